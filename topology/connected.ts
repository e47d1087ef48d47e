/** Sources and sinks of a topology file: which connector an entry names, and what it says. Kafka itself is one of them. */
import { type TObject, type TProperties, Type } from 'typebox';
import { SINK_KINDS, SOURCE_KINDS } from '../connectors/catalogue.ts';
import type { SinkKind, SourceKind } from '../connectors/connector.ts';
import { checkSchema } from './check_schema.ts';
import { isRecord } from './defaults.ts';
import type { Path } from './document.ts';
import type { LintContext, Reference } from './draft.ts';
import { nearest } from './nearest.ts';
import { ConnectedSink, ConnectedSource, dedupeSetting, Sink, Source } from './schema.ts';

/** What stands under the name of a connector. */
export interface DraftConnector<Kind> {
  kind: Kind;
  /** To be relied on only where `is_valid`. */
  config: Record<string, unknown>;
  is_valid: boolean;
}

export interface DraftSource {
  name: string;
  path: Path;
  /** `kafka` is where its records stand, also where a connector brings them there. */
  value: Source;
  /** Null: others write the topic. */
  connector: DraftConnector<SourceKind> | null;
  /** How long repetitions are looked for; null: they are not. */
  dedupe: string | null;
}

export interface DraftSink {
  name: string;
  path: Path;
  from: Reference[];
  /** Where its records go; null: to a connector. */
  kafka: Sink['kafka'] | null;
  connector: DraftConnector<SinkKind> | null;
  /** Where a sink straight from a source begins. */
  start: 'earliest' | 'latest';
}

/** Where the name of its topic stands. */
export function topicPath({ path, connector }: DraftSource | DraftSink): Path {
  return connector ? [...path, 'topic'] : [...path, 'kafka', 'topic'];
}

export function readSource(context: LintContext, path: Path, entry: unknown): DraftSource {
  const name = String(path.at(-1));
  const kind = kindOf(context, path, entry, SOURCE_KINDS, ConnectedSource);
  if (kind === null) {
    const value = checked(context, Source, path, entry).value as Source;
    return { name, path, value, connector: null, dedupe: null };
  }
  if (kind === 'unknown') return { name, path, value: {} as Source, connector: null, dedupe: null };
  const { value, is_valid } = checked(context, sourceSchema(kind), path, entry);
  const { topic, partitions, retention, cleanup, dedupe = 'never', [kind.kind]: config, ...others } = value;
  // What a connector brings in is placed by murmur2.
  const partitioner = others.key === undefined ? {} : { partitioner: 'murmur2' };
  const kafka = { topic, ...present({ partitions, retention, cleanup }) };
  return {
    name,
    path,
    value: { ...partitioner, ...others, kafka } as Source,
    connector: { kind, config: isRecord(config) ? config : {}, is_valid },
    dedupe: dedupe === 'never' ? null : String(dedupe),
  };
}

export function readSink(context: LintContext, path: Path, entry: unknown, from: Reference[]): DraftSink {
  const name = String(path.at(-1));
  const kind = kindOf(context, path, entry, SINK_KINDS, ConnectedSink);
  if (kind === null) {
    const { kafka } = checked(context, Sink, path, entry).value as Partial<Sink>;
    return { name, path, from, kafka: kafka ?? null, connector: null, start: 'earliest' };
  }
  if (kind === 'unknown') return { name, path, from, kafka: null, connector: null, start: 'earliest' };
  const { value, is_valid } = checked(context, sinkSchema(kind), path, entry);
  const config = value[kind.kind];
  const connector = { kind, config: isRecord(config) ? config : {}, is_valid };
  const start = value.start === 'latest' ? 'latest' : 'earliest';
  return { name, path, from, kafka: null, connector, start };
}

const schemas = new WeakMap<object, TObject>();

/** Of the whole entry of a source. */
export function sourceSchema(kind: SourceKind): TObject {
  const properties: TProperties = { [kind.kind]: kind.config, ...ConnectedSource.properties };
  if (kind.dedupe !== null) properties.dedupe = dedupeSetting(kind.dedupe);
  return remembered(kind, properties);
}

export function sinkSchema(kind: SinkKind): TObject {
  return remembered(kind, { ...ConnectedSink.properties, [kind.kind]: kind.config });
}

function remembered(kind: object, properties: TProperties): TObject {
  const schema = schemas.get(kind) ?? Type.Object(properties);
  schemas.set(kind, schema);
  return schema;
}

/**
 * Null: Kafka, or an entry that names none and is judged as if it did; the nearest, where a name is misspelt. With a connector
 * that cannot be used, the rest of the entry cannot be judged: `unknown`.
 */
function kindOf<Kind extends SourceKind | SinkKind>(
  { document, problems }: LintContext,
  path: Path,
  entry: unknown,
  kinds: ReadonlyMap<string, Kind>,
  common: TObject,
): Kind | 'unknown' | null {
  if (!isRecord(entry) || 'kafka' in entry) return null;
  const names = Object.keys(entry);
  const named = names.find((name) => kinds.has(name));
  if (named !== undefined) return kinds.get(named)!;
  const unavailable = names.find((name) => ALL_KINDS.has(name));
  if (unavailable !== undefined) {
    const message = `"${unavailable}" is not available here; there are ${['kafka', ...kinds.keys()].join(', ')}`;
    problems.report('E_CONNECTOR_UNAVAILABLE', document.keyAt([...path, unavailable]), message);
    return 'unknown';
  }
  const misspelt = names
    .filter((name) => !(name in common.properties))
    .map((name) => nearest(name, ['kafka', ...kinds.keys()]));
  return kinds.get(misspelt.find((name) => name !== null) ?? '') ?? null;
}

/** Of either direction, and those that belong to the design but not to this version. */
const ALL_KINDS: ReadonlySet<string> = new Set([
  ...SOURCE_KINDS.keys(),
  ...SINK_KINDS.keys(),
  'pubsub',
  'bigquery',
  'http',
]);

function checked(
  { document, problems }: LintContext,
  schema: TObject,
  path: Path,
  entry: unknown,
): { value: Record<string, unknown>; is_valid: boolean } {
  const { value, valid } = checkSchema(schema, entry, path, document, problems);
  return { value: isRecord(value) ? value : {}, is_valid: valid };
}

function present(settings: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(settings).filter(([, value]) => value !== undefined));
}
