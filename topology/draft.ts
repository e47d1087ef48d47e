/** The entries of a topology file, each validated on its own, so that one mistake does not hide the next. */
import { type TObject, Type } from 'typebox';
import type { ActorKind } from '../actors/actor.ts';
import { ACTOR_KINDS } from '../actors/catalogue.ts';
import { checkSchema } from './check_schema.ts';
import { type DraftSink, type DraftSource, readSink, readSource } from './connected.ts';
import { isRecord } from './defaults.ts';
import type { Path, SourceDocument } from './document.ts';
import { nearest } from './nearest.ts';
import type { Problems } from './problem.ts';
import { NAME_PATTERN, Topology } from './schema.ts';

export type { DraftSink, DraftSource };

/** What the checks share. */
export interface LintContext {
  document: SourceDocument;
  problems: Problems;
}

/** `value` and `config` have their defaults filled in, and are to be relied on only where nothing was reported. */
export interface Draft {
  settings: Topology;
  sources: DraftSource[];
  actors: DraftActor[];
  sinks: DraftSink[];
}

export interface DraftActor {
  name: string;
  path: Path;
  /** Null where it is unknown. */
  kind: ActorKind | null;
  from: Reference[];
  config: Record<string, unknown>;
  /** The settings that stand in the file; the others are defaults. */
  given: string[];
}

/** `node` or `node.output`, as it stands under `from`. */
export interface Reference {
  text: string;
  node: string;
  output: string | null;
  path: Path;
}

/** Stage names that the planner gives by itself. */
const RESERVED_NAMES: readonly string[] = ['training'];

export const USER_KINDS: readonly ActorKind[] = [...ACTOR_KINDS.values()].filter((kind) => !kind.internal);

export function readDraft(context: LintContext): Draft {
  const { document, problems } = context;
  const { value } = checkSchema(Topology, document.value, [], document, problems);
  return {
    settings: (isRecord(value) ? value : {}) as Topology,
    sources: entries(context, 'sources').map(([path, entry]) => readSource(context, path, entry)),
    actors: entries(context, 'actors').map(([path, entry]) => readActor(context, path, entry)),
    sinks: entries(context, 'sinks').map(([path, entry]) => {
      const from = isRecord(entry) ? readReferences(entry.from, [...path, 'from']) : [];
      return readSink(context, path, entry, from);
    }),
  };
}

function entries({ document, problems }: LintContext, section: string): [Path, unknown][] {
  const root = document.value;
  const values = isRecord(root) ? root[section] : undefined;
  if (!isRecord(values)) return [];
  return Object.entries(values).map(([name, entry]) => {
    const path = [section, name];
    if (!new RegExp(NAME_PATTERN).test(name))
      problems.report(
        'E_NAME',
        document.keyAt(path),
        `"${name}" cannot be a name; use up to 64 of A-Z a-z 0-9 _ -, a letter first`,
      );
    else if (section !== 'sinks' && RESERVED_NAMES.includes(name))
      problems.report('E_NAME', document.keyAt(path), `"${name}" is the name of a stage of errata's own`);
    return [path, entry];
  });
}

function readActor({ document, problems }: LintContext, path: Path, entry: unknown): DraftActor {
  const name = nameOf(path);
  const record = isRecord(entry) ? entry : {};
  const kind_name = record.kind === undefined ? name : record.kind;
  const kind = userKind(kind_name);
  // What is wrong with the rest is judged by the kind that was meant.
  let meant = kind;
  const from = readReferences(record.from, [...path, 'from']);
  if (isRecord(entry) && kind === null) {
    const position = record.kind === undefined ? document.keyAt(path) : document.valueAt([...path, 'kind']);
    const names = USER_KINDS.map((known) => known.kind);
    const suggestion = nearest(String(kind_name), names);
    meant = userKind(suggestion);
    const listing = suggestion === null ? `; there are ${names.join(', ')}` : '';
    problems.report(
      'E_UNKNOWN_KIND',
      position,
      `there is no kind "${String(kind_name)}"${listing}`,
      suggestion,
    );
  }
  const schema = meant === null ? Unknown : entrySchema(meant);
  const { value } = checkSchema(schema, entry, path, document, problems);
  const { kind: _kind, from: _from, ...config } = isRecord(value) ? value : {};
  return { name, path, kind, from, config, given: Object.keys(record) };
}

function userKind(name: unknown): ActorKind | null {
  return USER_KINDS.find(({ kind }) => kind === name) ?? null;
}

const ACTOR_SETTINGS = {
  kind: Type.Optional(Type.String({ description: 'default: the name of the actor' })),
  from: Type.Union([Type.String(), Type.Array(Type.String(), { minItems: 1 })], {
    description: 'a source, an actor (its first output) or `actor.output`, or a list of these',
  }),
};

const Unknown = Type.Object(ACTOR_SETTINGS, { additionalProperties: true });
const entry_schemas = new Map<string, TObject>();

/** The schema of an actor's whole entry: what all have, and what its kind adds. */
export function entrySchema(kind: ActorKind): TObject {
  const known = entry_schemas.get(kind.kind);
  if (known) return known;
  const schema = Type.Object({ ...ACTOR_SETTINGS, ...kind.config.properties });
  entry_schemas.set(kind.kind, schema);
  return schema;
}

function readReferences(from: unknown, path: Path): Reference[] {
  const texts = Array.isArray(from) ? from : [from];
  return texts.flatMap((text: unknown, index) => {
    if (typeof text !== 'string') return [];
    const [node = '', ...rest] = text.split('.');
    const output = rest.length === 0 ? null : rest.join('.');
    return [{ text, node, output, path: Array.isArray(from) ? [...path, index] : path }];
  });
}

function nameOf(path: Path): string {
  return String(path.at(-1));
}
