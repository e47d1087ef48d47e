/** A record of a source → prediction or feedback, validated; or why it is neither. Never throws. */
import { Ajv, type ValidateFunction } from 'ajv';
import { explain } from './explain.ts';
import { Feedback } from './feedback.ts';
import { type JsonObject, parseJsonObject, type Refusal, refuse } from './json_bytes.ts';
import { Prediction } from './prediction.ts';
import { parseTimestamp, type Timestamp } from './timestamp.ts';

/** `time_ms`: event time, milliseconds. */
export type Decoded =
  | { kind: 'prediction'; value: Prediction; time_ms: number }
  | { kind: 'feedback'; value: Feedback; time_ms: number }
  | Refusal;

export const DEFAULT_MAX_RECORD_BYTES = 1_048_576;

const ajv = new Ajv({ allErrors: false });
const isPrediction = ajv.compile(Prediction);
const isFeedback = ajv.compile(Feedback);

export function decode(bytes: Buffer | null, max_bytes = DEFAULT_MAX_RECORD_BYTES): Decoded {
  const parsed = parseJsonObject(bytes, max_bytes);
  if (parsed.kind === 'bad') return parsed;
  const record = parsed.value;
  const kind = kindOf(record);
  if (typeof kind !== 'string') return kind;
  const refusal = validate(kind === 'prediction' ? isPrediction : isFeedback, record);
  if (refusal) return refusal;
  const time_ms = parseTimestamp(record.timestamp as Timestamp);
  if (time_ms === undefined || time_ms > LAST_TIME_MS) return badTimestamp(record.timestamp as Timestamp);
  return { kind, value: record, time_ms } as unknown as Decoded;
}

/** Fields that only one of the two has. Identity and `input_stats` do not tell: feedback may bring them along. */
export const FEEDBACK_FIELDS = ['feedback_type', 'rating', 'user_action', 'time_to_action'];
export const PREDICTION_FIELDS = [
  'input_shape',
  'input',
  'output',
  'model_params',
  'latency_ms',
  'server_load',
];

function kindOf(record: JsonObject): 'prediction' | 'feedback' | Refusal {
  const feedback = FEEDBACK_FIELDS.find((field) => isSaid(record, field));
  const prediction = PREDICTION_FIELDS.find((field) => isSaid(record, field));
  if (feedback && prediction) {
    return refuse(
      'both_kinds',
      `a record cannot have both ${prediction} (prediction) and ${feedback} (feedback)`,
    );
  }
  if (feedback) return 'feedback';
  if (prediction || isSaid(record, 'model_version') || isSaid(record, 'deployment_id')) return 'prediction';
  return refuse(
    'unknown_kind',
    'neither a prediction (model_version, deployment_id) nor feedback (feedback_type)',
  );
}

function isSaid(record: JsonObject, field: string): boolean {
  return record[field] !== undefined && record[field] !== null;
}

/** Python's `None` for a field left out arrives as null: it counts as absent. */
function validate(isValid: ValidateFunction, record: JsonObject): Refusal | undefined {
  if (isValid(record)) return undefined;
  for (const field of Object.keys(record)) {
    if (record[field] === null && !FREE_FIELDS.has(field)) delete record[field];
  }
  return isValid(record) ? undefined : explain(isValid.errors![0]!, record);
}

/** Where null is an answer like others. */
const FREE_FIELDS = new Set(['input', 'output', 'label', 'model_params']);

/** The end of year 9999: later times have no ISO 8601 form that others read. */
export const LAST_TIME_MS = Date.UTC(10_000, 0) - 1;

function badTimestamp(value: Timestamp): Refusal {
  const time_ms = new Date(value).getTime();
  const is_time = typeof value === 'number' || time_ms < Date.UTC(1974) || time_ms > LAST_TIME_MS;
  return is_time
    ? refuse('timestamp_out_of_range', `timestamp ${value} is before 1973-03-03 or after year 9999`)
    : refuse('timestamp_not_a_time', `timestamp ${JSON.stringify(value)} is no point in time`);
}
