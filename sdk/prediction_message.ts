/** An inference as it was captured → the message `prediction`. */
import { decode } from '../messages/decode.ts';
import { ErrataError } from '../messages/errata_error.ts';
import type { InputStats } from '../messages/prediction.ts';
import { parseTimestamp, type Timestamp } from '../messages/timestamp.ts';
import { type NumericInput, summariseInput } from './input_stats.ts';
import { toPlainJson } from './plain_json.ts';
import type { Message } from './publisher.ts';

/** One inference. What is handed over must not be changed afterwards; typed arrays are copied and may be. */
export interface Inference {
  /** Made where none is given. At most 512 characters. */
  prediction_id?: string;
  /** Of the inference; the default is now. */
  timestamp?: Timestamp;
  deployment_id?: string;
  model_version?: string;
  /** What the user sent, as JSON can say it. */
  input?: unknown;
  /** What the model was given, for shape and statistics; the default is `input`, if it is made of numbers. */
  numeric_input?: NumericInput;
  /** Where the application knows them, they are not computed. */
  input_shape?: (number | null)[];
  input_stats?: InputStats;
  output?: unknown;
  model_params?: unknown;
  latency_ms?: number;
  server_load?: number;
  attributes?: Record<string, unknown>;
}

/** An inference of which who, when and how busy are settled. Without `prediction_id` no feedback can be joined to it. */
export type Captured = Inference & {
  timestamp: Timestamp;
  deployment_id: string;
  model_version: string;
  server_load: number;
};

/** What a record that is too large goes without, in this order. */
const LARGE_FIELDS = ['input', 'output'] as const;

/**
 * `attributes` gets `hour_of_day` (0 to 23, UTC) and, where they apply, `non_finite_inputs` (how many numbers were NaN
 * or infinite) and `left_out` (fields that were too large, or statistics that were not finite).
 *
 * Throws ErrataError E_CAPTURE where the message would be no valid prediction, E_TOO_LARGE where it stays too large.
 */
export function writePrediction(captured: Captured, max_bytes: number): Message {
  const record = describe(captured);
  for (let count = 0; count <= LARGE_FIELDS.length; count++) {
    const value = encode(without(record, LARGE_FIELDS.slice(0, count)), max_bytes);
    if (value) return { key: captured.prediction_id ?? null, value: valid(value, max_bytes) };
  }
  throw new ErrataError('E_TOO_LARGE', `a prediction of more than ${max_bytes} bytes`, {
    hint: 'capture less in model_params and attributes',
  });
}

interface Described {
  [field: string]: unknown;
  attributes: Record<string, unknown>;
}

function describe(captured: Captured): Described {
  const { input_stats, input_shape, attributes, ...rest } = captured;
  const summary = input_stats ? undefined : summariseInput(rest.numeric_input ?? rest.input);
  const stats = input_stats ?? summary?.input_stats;
  const has_stats = stats !== undefined && isFiniteStats(stats);
  const record: Described = {
    prediction_id: rest.prediction_id,
    timestamp: rest.timestamp,
    model_version: rest.model_version,
    deployment_id: rest.deployment_id,
    input_shape: input_shape ?? summary?.input_shape,
    input_stats: has_stats ? stats : undefined,
    input: rest.input,
    output: rest.output,
    model_params: rest.model_params,
    latency_ms: rest.latency_ms,
    server_load: rest.server_load,
    attributes: {
      hour_of_day: hourOfDay(rest.timestamp),
      non_finite_inputs: summary?.non_finite || undefined,
      ...attributes,
    },
  };
  return stats && !has_stats ? without(record, ['input_stats']) : record;
}

function isFiniteStats(stats: InputStats): boolean {
  return Object.values(stats).every((value) => value === undefined || Number.isFinite(value));
}

function hourOfDay(timestamp: Timestamp): number | undefined {
  const time_ms = parseTimestamp(timestamp);
  return time_ms === undefined ? undefined : new Date(time_ms).getUTCHours();
}

function without(record: Described, fields: readonly string[]): Described {
  if (fields.length === 0) return record;
  const kept = Object.entries(record).filter(([field]) => !fields.includes(field));
  const { left_out: before } = record.attributes;
  const left_out = Array.isArray(before) ? [...before, ...fields] : fields;
  return { ...Object.fromEntries(kept), attributes: { ...record.attributes, left_out } };
}

/** Undefined if it is too large. */
function encode(record: Described, max_bytes: number): Buffer | undefined {
  try {
    // No value is shorter than two bytes with what parts it from the next.
    const value = Buffer.from(JSON.stringify(toPlainJson(record, 0, max_bytes / 2)));
    return value.length <= max_bytes ? value : undefined;
  } catch (thrown) {
    if (thrown instanceof ErrataError && thrown.code === 'E_TOO_LARGE') return undefined;
    throw thrown;
  }
}

function valid(value: Buffer, max_bytes: number): Buffer {
  const decoded = decode(value, max_bytes);
  if (decoded.kind === 'prediction') return value;
  const why = decoded.kind === 'bad' ? decoded.message : 'it is feedback';
  throw new ErrataError('E_CAPTURE', `not a valid prediction: ${why}`);
}
