/** Which column takes what of a record: the published tables (DESIGN §1), or what the topology says. */
import { type Static, Type } from 'typebox';
import type { MessageType } from '../../actors/actor.ts';
import { decode } from '../../messages/decode.ts';
import { parseJsonObject } from '../../messages/json_bytes.ts';
import type { Refusal, SinkRecord } from '../connector.ts';

/** A field path, as `input_stats.mean`; `$key` and its like are the record's own. */
const FieldPath = Type.String({
  pattern: '^(\\$(key|topic|partition|offset|timestamp)|[A-Za-z_][A-Za-z0-9_]*(\\.[A-Za-z0-9_]+)*)$',
  examples: ['input_stats.mean'],
  description: 'where in the record the column’s value stands',
});

/** Those whose values errata can write, but structs and arrays. */
const ColumnType = Type.Union(
  [
    Type.Literal('STRING'),
    Type.Literal('INT64'),
    Type.Literal('FLOAT64'),
    Type.Literal('NUMERIC'),
    Type.Literal('BIGNUMERIC'),
    Type.Literal('BOOL'),
    Type.Literal('TIMESTAMP'),
    Type.Literal('DATETIME'),
    Type.Literal('DATE'),
    Type.Literal('TIME'),
    Type.Literal('JSON'),
    Type.Literal('BYTES'),
    Type.Literal('GEOGRAPHY'),
  ],
  { description: 'what the column is made with, and must be' },
);

const TypedField = Type.Object({ from: FieldPath, type: ColumnType }, { additionalProperties: false });

export const Mapping = Type.Record(Type.String(), Type.Union([FieldPath, TypedField]), {
  minProperties: 1,
  description:
    'column → field of the record, as `input_stats.mean`; `$key`, `$topic`, `$partition`, `$offset`, `$timestamp` are those of the Kafka record. `{ from: FIELD, type: TYPE }` says the type of the column too, for `errata provision`',
});
export type Mapping = Static<typeof Mapping>;

/** What is known of a value before it is there; `any`: nothing. */
export type ValueType = 'text' | 'integer' | 'number' | 'time' | 'json' | 'any';

export interface MappedColumn {
  column: string;
  value: ValueType;
  /** Which the topology says that it has. */
  type?: string;
}

/** The values of a row by column; or what the record is refused for; or null where it is none of the sink's. */
export type Mapped = { values: Record<string, unknown> } | { refused: Refusal['reason'] } | null;

export interface RowMapping {
  columns: readonly MappedColumn[];
  /** The same for the same record, always: positions are found again by counting rows. */
  map(record: SinkRecord): Mapped;
}

/** Table `user_feedback`: the fields of feedback, each in the column of its name. */
export const USER_FEEDBACK: readonly MappedColumn[] = [
  { column: 'session_id', value: 'text' },
  { column: 'prediction_id', value: 'text' },
  { column: 'feedback_type', value: 'text' },
  { column: 'rating', value: 'number' },
  { column: 'comment', value: 'text' },
  { column: 'user_action', value: 'text' },
  { column: 'time_to_action', value: 'number' },
  { column: 'timestamp', value: 'time' },
];

/** Table `feedback_analysis.patterns`: the published fields of an assessment. */
export const PATTERNS: readonly MappedColumn[] = [
  { column: 'window_start', value: 'time' },
  { column: 'window_end', value: 'time' },
  { column: 'total_events', value: 'integer' },
  { column: 'error_rate', value: 'number' },
  { column: 'patterns', value: 'json' },
  { column: 'severity', value: 'text' },
  { column: 'recommended_action', value: 'text' },
];

const feedbackRows: RowMapping = {
  columns: USER_FEEDBACK,
  map: ({ value }) => {
    const decoded = decode(value, Number.POSITIVE_INFINITY);
    if (decoded.kind === 'bad') return { refused: { code: decoded.code, message: decoded.message } };
    // A source may carry both kinds.
    return decoded.kind === 'prediction' ? null : { values: decoded.value };
  },
};

const patternRows: RowMapping = { columns: PATTERNS, map: (record) => fieldsOf(record, (fields) => fields) };

export function pathOf(field: Mapping[string]): string {
  return typeof field === 'string' ? field : field.from;
}

function mappedRows(mapping: Mapping): RowMapping {
  const entries = Object.entries(mapping).map(([column, field]) => [column, pathOf(field)] as const);
  return {
    columns: Object.entries(mapping).map(([column, field]) => ({
      column,
      value: 'any',
      ...(typeof field === 'string' ? {} : { type: field.type }),
    })),
    map: (record) =>
      fieldsOf(record, (fields) =>
        Object.fromEntries(entries.map(([column, path]) => [column, valueAt(record, fields, path)])),
      ),
  };
}

/** What fills a table from messages of a type where the topology has no mapping; undefined: it needs one. */
export function builtInMapping(message: MessageType): RowMapping | undefined {
  switch (message) {
    case 'source_record':
      return feedbackRows;
    case 'assessment':
    case 'alert':
      return patternRows;
    default:
      return undefined;
  }
}

export function rowMapping(mapping: Mapping | undefined, message: MessageType): RowMapping | undefined {
  return mapping ? mappedRows(mapping) : builtInMapping(message);
}

function fieldsOf(
  { value }: SinkRecord,
  map: (fields: Record<string, unknown>) => Record<string, unknown>,
): Mapped {
  const parsed = parseJsonObject(value, Number.POSITIVE_INFINITY);
  if (parsed.kind === 'bad') return { refused: { code: parsed.code, message: parsed.message } };
  return { values: map(parsed.value) };
}

function valueAt(record: SinkRecord, fields: Record<string, unknown>, path: string): unknown {
  switch (path) {
    case '$key':
      return record.key?.toString('utf8');
    case '$topic':
      return record.topic;
    case '$partition':
      return record.partition;
    case '$offset':
      return record.offset;
    case '$timestamp':
      return record.timestamp_ms;
    default:
      return path.split('.').reduce<unknown>((value, name) => {
        const is_object = typeof value === 'object' && value !== null;
        return is_object && Object.hasOwn(value, name) ? (value as Record<string, unknown>)[name] : undefined;
      }, fields);
  }
}
