/**
 * All kinds of connector besides Kafka itself. A new kind is a file beside this one and a line here. The engine's threads
 * import this module by its address (engine/edge.ts).
 */
import type { BatchLimits, ConnectorModule } from '../engine/edge.ts';
import { ErrataError } from '../messages/errata_error.ts';
import { bigquery } from './bigquery.ts';
import type { SinkKind, SourceKind } from './connector.ts';
import { httpSource } from './http_source.ts';
import { pubsubSink } from './pubsub_sink.ts';
import { pubsubSource } from './pubsub_source.ts';
import { webhook } from './webhook.ts';

export const SOURCE_KINDS: ReadonlyMap<string, SourceKind> = byKind<SourceKind>([httpSource, pubsubSource]);
export const SINK_KINDS: ReadonlyMap<string, SinkKind> = byKind<SinkKind>([bigquery, pubsubSink, webhook]);

/** The address of this module. */
export const CONNECTORS_URL = import.meta.url;

export const startSource: ConnectorModule['startSource'] = async (kind, config, ports) =>
  known(SOURCE_KINDS, kind).start(config, ports);

export const openSink: ConnectorModule['openSink'] = async (kind, config, ports) =>
  known(SINK_KINDS, kind).open(config, ports);

export function batchLimits(kind: string): BatchLimits {
  return known(SINK_KINDS, kind).batch;
}

function known<Kind>(kinds: ReadonlyMap<string, Kind>, kind: string): Kind {
  const found = kinds.get(kind);
  if (found) return found;
  throw new ErrataError('E_CONNECTOR_KIND', `there is no connector of kind "${kind}"`);
}

function byKind<Kind extends { kind: string }>(kinds: readonly Kind[]): ReadonlyMap<string, Kind> {
  return new Map(kinds.map((kind) => [kind.kind, kind]));
}
