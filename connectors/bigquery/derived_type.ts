/** The type of a mapped column, from the schema of the messages that fill it: as far as that says it, for making a table. */
import type { TSchema } from 'typebox';
import type { MessageType } from '../../actors/actor.ts';
import { Alert, Assessment } from '../../messages/assessment.ts';
import { Evaluation } from '../../messages/evaluation.ts';
import { Feedback } from '../../messages/feedback.ts';
import { Prediction } from '../../messages/prediction.ts';
import { Rollout } from '../../messages/rollout.ts';
import { Timestamp } from '../../messages/timestamp.ts';
import { TrainingJob } from '../../messages/training_job.ts';
import { WindowResult } from '../../messages/window.ts';

const SCHEMAS: Partial<Record<MessageType, readonly TSchema[]>> = {
  source_record: [Prediction, Feedback],
  window: [WindowResult],
  assessment: [Assessment],
  alert: [Alert],
  training_job: [TrainingJob],
  evaluation: [Evaluation],
  rollout: [Rollout],
};

/** Of the Kafka record. */
const RECORD_TYPES: Partial<Record<string, string>> = {
  $key: 'STRING',
  $topic: 'STRING',
  $partition: 'INT64',
  $offset: 'INT64',
  $timestamp: 'TIMESTAMP',
};

/** Null where no schema knows the field, or it may be anything, or two know it differently. */
export function derivedType(path: string, message: MessageType): string | null {
  const own = RECORD_TYPES[path];
  if (own !== undefined) return own;
  const found = (SCHEMAS[message] ?? []).flatMap((schema) => fieldAt(schema, path.split('.')));
  return sameIn(found.map(typeOfValues));
}

/** As JSON Schema, which is what a schema of TypeBox is. */
interface Shape {
  type?: string;
  format?: string;
  const?: unknown;
  anyOf?: Shape[];
  allOf?: Shape[];
  properties?: Record<string, Shape>;
  patternProperties?: Record<string, Shape>;
}

/** More than one where it stands in several branches. */
function fieldAt(schema: Shape, [name, ...rest]: readonly string[]): Shape[] {
  if (name === undefined) return [schema];
  const branches = [...(schema.anyOf ?? []), ...(schema.allOf ?? [])];
  const field = schema.properties?.[name] ?? Object.values(schema.patternProperties ?? {})[0];
  return [
    ...branches.flatMap((branch) => fieldAt(branch, [name, ...rest])),
    ...(field === undefined ? [] : fieldAt(field, rest)),
  ];
}

const JSON_TYPES: Partial<Record<string, string>> = {
  integer: 'INT64',
  number: 'FLOAT64',
  boolean: 'BOOL',
  object: 'JSON',
  array: 'JSON',
};

function typeOfValues(schema: Shape): string | null {
  if (schema === (Timestamp as Shape)) return 'TIMESTAMP';
  if (schema.anyOf) return sameIn(schema.anyOf.filter(({ type }) => type !== 'null').map(typeOfValues));
  if (schema.allOf) return 'JSON';
  if (schema.type === 'string') return schema.format === 'date-time' ? 'TIMESTAMP' : 'STRING';
  return JSON_TYPES[schema.type ?? ''] ?? null;
}

function sameIn(types: readonly (string | null)[]): string | null {
  const [first = null, ...others] = types;
  return others.every((type) => type === first) ? first : null;
}
