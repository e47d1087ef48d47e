/** Resolves what stands under `from` into edges, and reports what cannot be connected. */
import type { ActorKind, MessageType } from '../actors/actor.ts';
import { inputFor, inputsOf } from './connection.ts';
import { cyclicReferences } from './cycles.ts';
import type { Draft, DraftActor, DraftSink, LintContext, Reference } from './draft.ts';
import { nearest } from './nearest.ts';

/** A stream from a source's or an actor's output to an actor's input. */
export interface Edge {
  from: string;
  /** Null: from a source. */
  output: string | null;
  to: string;
  input: string;
  message: MessageType;
}

/** What a sink writes. */
export interface SinkEdge {
  from: string;
  /** Null: from a source, to a connector. */
  output: string | null;
  to: string;
  message: MessageType;
}

export interface Links {
  edges: Edge[];
  sink_edges: SinkEdge[];
}

interface Origin {
  output: string | null;
  /** Null where the actor's kind is unknown: then nothing can be said about the type. */
  message: MessageType | null;
}

export function link(draft: Draft, context: LintContext): Links {
  const cyclic = cyclicReferences(draft);
  const edges: Edge[] = [];
  for (const actor of draft.actors)
    for (const [reference, origin] of resolveAll(draft, actor, context))
      edges.push(...connect(actor, reference, origin, cyclic, draft, context));
  return { edges, sink_edges: draft.sinks.flatMap((sink) => linkSink(draft, sink, context)) };
}

function linkSink(draft: Draft, sink: DraftSink, context: LintContext): SinkEdge[] {
  return resolveAll(draft, sink, context).flatMap(([reference, { output, message }]) => {
    if (message === null) return [];
    if (output !== null || sink.kafka === null)
      return [{ from: reference.node, output, to: sink.name, message }];
    const position = context.document.valueAt(reference.path);
    context.problems.report(
      'E_SINK_FROM_SOURCE',
      position,
      `"${reference.node}" is a source; a Kafka sink takes an actor's output`,
    );
    return [];
  });
}

function resolveAll(
  draft: Draft,
  { from, name }: DraftActor | DraftSink,
  context: LintContext,
): [Reference, Origin][] {
  const seen = new Set<string>();
  return from.flatMap((reference): [Reference, Origin][] => {
    const origin = resolve(draft, reference, name, context);
    if (!origin) return [];
    const id = `${reference.node}.${origin.output}`;
    if (!seen.has(id)) {
      seen.add(id);
      return [[reference, origin]];
    }
    const position = context.document.valueAt(reference.path);
    context.problems.report('E_DUPLICATE_FROM', position, `"${reference.text}" stands here twice`);
    return [];
  });
}

function resolve(
  draft: Draft,
  { node, output, text, path }: Reference,
  self: string,
  context: LintContext,
): Origin | null {
  const { problems, document } = context;
  const actor = draft.actors.find((known) => known.name === node);
  const source = draft.sources.find((known) => known.name === node);
  if (!actor && !source) {
    const names = [...draft.sources, ...draft.actors]
      .map((known) => known.name)
      .filter((name) => name !== self);
    const message = `"${node}" is neither a source nor an actor`;
    problems.report('E_UNKNOWN_REFERENCE', document.valueAt(path), message, nearest(node, names));
    return null;
  }
  const outputs = actor ? actor.kind?.outputs : {};
  if (outputs === undefined) return { output, message: null };
  if (actor && output === null) {
    const [first, spec] = Object.entries(outputs)[0]!;
    return { output: first, message: spec.message };
  }
  if (output === null) return { output: null, message: 'source_record' };
  const spec = Object.hasOwn(outputs, output) ? outputs[output] : undefined;
  if (spec) return { output, message: spec.message };
  const names = Object.keys(outputs).map((name) => `${node}.${name}`);
  const listing = names.length > 0 ? `it has ${names.join(', ')}` : 'a source has only one stream';
  problems.report(
    'E_UNKNOWN_OUTPUT',
    document.valueAt(path),
    `"${node}" has no output "${output}"; ${listing}`,
    nearest(text, names),
  );
  return null;
}

function connect(
  actor: DraftActor,
  reference: Reference,
  { output, message }: Origin,
  cyclic: ReadonlySet<Reference>,
  draft: Draft,
  { problems, document }: LintContext,
): Edge[] {
  const input = actor.kind && message && inputFor(actor.kind, message);
  const position = document.valueAt(reference.path);
  if (cyclic.has(reference)) {
    const message = `"${reference.node}" itself depends on "${actor.name}"`;
    problems.report('E_CYCLE', position, message);
    return [];
  }
  if (actor.kind === null || message === null) return [];
  if (input) return [{ from: reference.node, output, to: actor.name, input, message }];
  const takes = Object.keys(inputsOf(actor.kind)).join(', ');
  const carries = `"${reference.text}" carries ${message} messages, "${actor.name}" takes ${takes}`;
  problems.report('E_TYPE_MISMATCH', position, carries, fittingOutput(draft, reference.node, actor.kind));
  return [];
}

function fittingOutput(draft: Draft, node: string, kind: ActorKind): string | null {
  const outputs = draft.actors.find((actor) => actor.name === node)?.kind?.outputs ?? {};
  const fitting = Object.entries(outputs).find(([, spec]) => inputFor(kind, spec.message) !== undefined);
  return fitting ? `${node}.${fitting[0]}` : null;
}
