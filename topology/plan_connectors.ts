/** The part of a plan at its edges: what connectors bring in, and what goes to Kafka topics and connectors. */
import { dirname, resolve } from 'node:path';
import type { MessageType } from '../actors/actor.ts';
import { correctedFor } from '../actors/window_kind.ts';
import { type InputPlan, internalName, type StagePlan } from '../engine/plan.ts';
import type { DraftConnector, DraftSink, DraftSource } from './connected.ts';
import type { SinkEdge } from './link.ts';
import { type PlanBuilder, saidConfig, sinkConfig } from './plan_builder.ts';

/** What a connector takes, however large, must pass: 100 MB is the most that Kafka takes in one request. */
const ANY_SIZE = { 'max.message.bytes': String(100 * 1024 * 1024) };

/** A connector writes to the source's topic, or to an ingest topic behind which repetitions are dropped. */
export function bringIn(builder: PlanBuilder, { name, value, connector, dedupe }: DraftSource): void {
  if (!connector) return;
  const { topic } = value.kafka;
  const ingest = internalName(builder.graph.settings, name, 'ingest');
  const to = dedupe === null ? topic : ingest;
  builder.sources.push({
    name,
    kind: connector.kind.kind,
    config: plannedConfig(builder, connector),
    topic: to,
    deduplicated: dedupe !== null,
  });
  if (dedupe === null) return;
  builder.addTopic(ingest, 'repartition', { like: topic }, ANY_SIZE);
  builder.prependStage(dedupeStage(name, ingest, topic, dedupe));
}

function dedupeStage(source: string, ingest: string, topic: string, window: string): StagePlan {
  const [name, actor] = [`${source}.ingest`, `${source}.dedupe`];
  return {
    name,
    kind: 'actors',
    inputs: [
      {
        topic: ingest,
        actor,
        input: 'records',
        // An account of its own: who reads the source's topic counts what the source has taken in.
        codec: { type: 'source', source: name, rekeyed: false, keyed: null },
        time: { type: 'event_time', disorder_ms: 0, idle_ms: null, clock: 'wall' },
      },
    ],
    actors: [
      {
        name: actor,
        kind: 'dedupe',
        config: { window },
        outputs: { records: [{ to: 'topic', topic, internal: false, watermarks: false }] },
      },
    ],
  };
}

export function connectSinks(builder: PlanBuilder): void {
  const { graph } = builder;
  for (const edge of graph.sink_edges) {
    const sink = graph.sinks.find(({ name }) => name === edge.to)!;
    if (sink.kafka) connectKafkaSink(builder, edge, sink.kafka);
    else if (sink.connector) connectSink(builder, edge, sink, sink.connector);
  }
}

function connectKafkaSink(
  builder: PlanBuilder,
  { from, output, message }: SinkEdge,
  kafka: NonNullable<DraftSink['kafka']>,
): void {
  const { topic } = kafka;
  const count = kafka.partitions ?? builder.graph.settings.partitions;
  builder.addTopic(topic, 'sink', { count }, { ...sinkConfig(message), ...saidConfig(kafka) });
  builder.addTarget(from, output!, { to: 'topic', topic, internal: false, watermarks: false });
}

/** A stage of its own, whose topic is either the source's or one that only this sink reads. */
function connectSink(
  builder: PlanBuilder,
  edge: SinkEdge,
  { name, start }: DraftSink,
  connector: NonNullable<DraftSink['connector']>,
): void {
  builder.appendStage({
    name: `${name}.out`,
    kind: 'sink',
    inputs: [
      edge.output === null ? sourceInput(builder, edge, start) : outputInput(builder, edge, connector),
    ],
    actors: [],
    sink: {
      name,
      kind: connector.kind.kind,
      message: edge.message,
      config: plannedConfig(builder, connector),
    },
  });
}

/** Others may read the source too, so the sink's offsets have a name of their own. */
function sourceInput(builder: PlanBuilder, { from, to }: SinkEdge, start: DraftSink['start']): InputPlan {
  const { topic } = builder.graph.sources.find(({ name }) => name === from)!.value.kafka;
  const offsets_topic = internalName(builder.graph.settings, `${to}.out`, 'offsets');
  builder.addTopic(offsets_topic, 'partitions', { like: topic });
  const codec = { type: 'source', source: from, rekeyed: false, keyed: null } as const;
  return {
    ...{ topic, offsets_topic, actor: to, input: 'records', codec, time: { type: 'none' } },
    ...(start === 'latest' ? { start } : {}),
  };
}

function outputInput(
  builder: PlanBuilder,
  { from, output, to, message }: SinkEdge,
  { kind, config }: NonNullable<DraftSink['connector']>,
): InputPlan {
  const topic = internalName(builder.graph.settings, to, 'out');
  builder.addTopic(topic, 'repartition', { count: builder.graph.settings.partitions });
  const target = { to: 'topic', topic, internal: true, watermarks: false } as const;
  const which = REVISED[message] === undefined ? 'each' : (kind.revisions?.(config) ?? 'each');
  if (which === 'each') builder.addTarget(from, output!, target);
  else {
    const actor = `${to}.revisions`;
    builder.stageOf(from).actors.push({
      name: actor,
      kind: 'revisions',
      config: { which, lateness: latenessOf(builder, from) },
      outputs: { kept: [target] },
    });
    builder.addTarget(from, output!, { to: 'actor', actor, input: REVISED[message]! });
  }
  return { topic, actor: to, input: 'records', codec: { type: 'internal' }, time: { type: 'none' } };
}

/** What has revisions → where the `revisions` actor takes it. */
const REVISED: Partial<Record<MessageType, string>> = {
  window: 'windows',
  assessment: 'assessments',
  alert: 'alerts',
};

/** Until how long after a window's end `from`, a window or a severity actor, tells revisions of it. */
function latenessOf(builder: PlanBuilder, from: string): string {
  const { kind, config } = builder.actor(from);
  const settings = config as Parameters<typeof correctedFor>[0];
  return kind === 'window' ? correctedFor(settings) : settings.lateness;
}

/** Paths in a topology are relative to its file; a process may be started anywhere. */
function plannedConfig({ graph }: PlanBuilder, { config }: DraftConnector<unknown>): Record<string, unknown> {
  const folder = dirname(graph.file);
  return Object.fromEntries(
    Object.entries(config).map(([name, value]) => [
      name,
      name.endsWith('_file') && typeof value === 'string' ? resolve(folder, value) : value,
    ]),
  );
}
