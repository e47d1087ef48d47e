/** The configuration that an actor gets: what the file says, and what follows from its place in the topology. */
import type { CaptureConfig } from '../actors/capture_config.ts';
import type { WindowConfig } from '../actors/window_config.ts';
import { correctedFor } from '../actors/window_kind.ts';
import { parseDuration } from '../messages/duration.ts';
import type { DraftActor } from './draft.ts';
import type { Graph } from './lint.ts';
import { windowsBehind } from './windows.ts';

export function plannedConfig(actor: DraftActor, graph: Graph): Record<string, unknown> {
  const { config, given, kind } = actor;
  const derived =
    kind?.kind === 'capture'
      ? capture(actor, graph)
      : kind?.kind === 'window'
        ? window(actor, graph)
        : kind?.kind === 'severity'
          ? severity(actor, graph)
          : {};
  const absent = Object.entries(derived).filter(
    ([name, value]) => value !== undefined && !given.includes(name),
  );
  const forced = kind?.kind === 'capture' && needsOutcomes(actor, graph) ? { outcomes: true } : {};
  return { ...config, ...Object.fromEntries(absent), ...forced };
}

function capture(actor: DraftActor, graph: Graph): Record<string, unknown> {
  return {
    max_ahead: graph.settings.max_ahead,
    lateness: longestLateness(windowsBehind(actor.name, graph, graph)),
  };
}

function severity(actor: DraftActor, graph: Graph): Record<string, unknown> {
  const windows = graph.actors.filter(({ name }) =>
    graph.edges.some((edge) => edge.from === name && edge.to === actor.name),
  );
  return { lateness: longest(windows.map(({ config }) => correctedFor(config as WindowConfig))) };
}

/** Nothing more is expected of a prediction than the join waits for. */
function window(actor: DraftActor, graph: Graph): Record<string, unknown> {
  const waits = capturesBefore(actor.name, graph).flatMap(({ config }) => {
    const { join } = config as CaptureConfig;
    return join === 'none' ? [] : [join.wait];
  });
  return { feedback_horizon: longest(waits) };
}

/** What a re-keying actor in front of `capture` has to know of it. */
export function rekeyConfig(capture: Record<string, unknown>): Record<string, unknown> {
  const { max_ahead, max_record_bytes } = capture;
  return { max_ahead, max_record_bytes };
}

function longestLateness(windows: readonly DraftActor[]): string | undefined {
  return longest(windows.map(({ config }) => String(config.lateness)));
}

function longest(durations: readonly string[]): string | undefined {
  return durations.toSorted((a, b) => parseDuration(b) - parseDuration(a))[0];
}

/** Someone trains on them, or the file connects them. */
function needsOutcomes(actor: DraftActor, graph: Graph): boolean {
  if (feedsRetraining(actor, graph)) return true;
  const connected = [...graph.edges, ...graph.sink_edges];
  return connected.some(({ from, message }) => from === actor.name && message === 'outcome');
}

export function feedsRetraining(actor: DraftActor, graph: Graph): boolean {
  const retraining = graph.actors.find(({ kind }) => kind?.kind === 'retraining');
  return retraining !== undefined && capturesBefore(retraining.name, graph).includes(actor);
}

/** The capture actors from which a stream leads to `name`. */
export function capturesBefore(
  name: string,
  { actors, edges }: { actors: DraftActor[]; edges: { from: string; to: string }[] },
): DraftActor[] {
  const upstream = new Set([name]);
  for (const node of upstream) for (const edge of edges) if (edge.to === node) upstream.add(edge.from);
  return actors.filter((actor) => actor.kind?.kind === 'capture' && upstream.has(actor.name));
}

/** How long all of a capture's sources must be quiet before its windows close; null: they never do by that. */
export function idleMs(capture: DraftActor, graph: Graph): number | null {
  const idles = windowsBehind(capture.name, graph, graph).map(({ config }) => String(config.idle));
  if (idles.length === 0 || idles.includes('never')) return null;
  return Math.min(...idles.map(parseDuration));
}
