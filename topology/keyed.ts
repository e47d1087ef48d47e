/** What follows from how sources are keyed: who needs a re-keyed source, and whose windows need no topic in between. */
import type { Draft, DraftActor, DraftSource } from './draft.ts';
import type { Edge } from './link.ts';

type Graph = Pick<Draft, 'sources' | 'actors'> & { edges: Edge[] };

/** True where records must meet by prediction id. */
export function joins({ kind, config }: DraftActor): boolean {
  return kind?.kind === 'capture' && config.join !== 'none';
}

/** A source that is read as it stands, by an actor that needs no other key than its producers gave. */
export function isReadDirectly({ value }: DraftSource, reader: DraftActor): boolean {
  return value.key !== undefined || !joins(reader);
}

/**
 * A window whose key holds what all sources of its capture are keyed by finds all events of a key in one partition: no
 * topic is needed in between.
 */
export function isCoPartitioned(graph: Graph, from: DraftActor, window: DraftActor): boolean {
  if (from.kind?.kind !== 'capture' || window.kind?.kind !== 'window' || joins(from)) return false;
  const sources = graph.sources.filter(({ name }) =>
    graph.edges.some((edge) => edge.from === name && edge.to === from.name),
  );
  const partitioners = new Set(sources.map(({ value }) => value.partitioner));
  const by = window.config.by as readonly string[];
  return (
    partitioners.size === 1 &&
    sources.every(({ value }) => value.key === 'deployment_id') &&
    by.includes('deployment_id')
  );
}
