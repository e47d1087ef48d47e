/** Shape and statistics of a numeric input, as `input_shape` and `input_stats` of a prediction. */
import type { InputStats } from '../messages/prediction.ts';

export type NumericArray =
  | Float32Array
  | Float64Array
  | Int8Array
  | Int16Array
  | Int32Array
  | Uint8Array
  | Uint8ClampedArray
  | Uint16Array
  | Uint32Array;

/** Numbers, also nested to any depth, or flat values with the shape that they are meant to have. */
export type NumericInput =
  | NumericArray
  | NestedNumbers
  | { values: NumericArray | readonly number[]; shape: readonly number[] };
export type NestedNumbers = readonly (number | NestedNumbers | NumericArray)[];

export interface InputSummary {
  /** Length per dimension; null where it differs. */
  input_shape: (number | null)[];
  /** Of the finite numbers; absent if there is none. */
  input_stats: Required<InputStats> | undefined;
  /** How many were NaN or infinite. */
  non_finite: number;
}

const MAX_DIMENSIONS = 32;

/** Undefined where `input` holds anything but numbers. */
export function summariseInput(input: unknown): InputSummary | undefined {
  const running = new RunningStats();
  const seen_shape: (number | null)[] = [];
  const values = hasShape(input) ? input.values : input;
  if (!isList(values) || !visit(values, 0, seen_shape, running)) return undefined;
  return { input_shape: hasShape(input) ? [...input.shape] : seen_shape, ...running.summary };
}

/** A list of numbers in one piece of memory. */
export function isNumericArray(value: unknown): value is NumericArray {
  return ArrayBuffer.isView(value) && !(value instanceof DataView);
}

export function hasShape(value: unknown): value is Extract<NumericInput, { shape: unknown }> {
  return (
    typeof value === 'object' &&
    value !== null &&
    'values' in value &&
    'shape' in value &&
    Array.isArray(value.shape)
  );
}

function isList(value: unknown): value is ArrayLike<unknown> {
  return Array.isArray(value) || isNumericArray(value);
}

/** Mean, population standard deviation, minimum and maximum in one pass (Welford 1962). */
class RunningStats {
  #count = 0;
  #non_finite = 0;
  #mean = 0;
  #squares = 0;
  #min = Number.POSITIVE_INFINITY;
  #max = Number.NEGATIVE_INFINITY;

  add(value: number): void {
    if (!Number.isFinite(value)) {
      this.#non_finite++;
      return;
    }
    this.#count++;
    const distance = value - this.#mean;
    this.#mean += distance / this.#count;
    this.#squares += distance * (value - this.#mean);
    if (value < this.#min) this.#min = value;
    if (value > this.#max) this.#max = value;
  }

  get summary(): Pick<InputSummary, 'input_stats' | 'non_finite'> {
    const std = Math.sqrt(this.#squares / this.#count);
    const input_stats = { mean: this.#mean, std, min: this.#min, max: this.#max };
    // Squares of numbers beyond 1e154 are none.
    const is_finite = Object.values(input_stats).every(Number.isFinite);
    return { input_stats: is_finite ? input_stats : undefined, non_finite: this.#non_finite };
  }
}

/** Whether there are numbers and nothing else. */
function visit(
  list: ArrayLike<unknown>,
  level: number,
  shape: (number | null)[],
  running: RunningStats,
): boolean {
  if (level >= MAX_DIMENSIONS) return false;
  const length = shape[level];
  shape[level] = length === undefined || length === list.length ? list.length : null;
  for (let at = 0; at < list.length; at++) {
    const item = list[at];
    if (typeof item === 'number') running.add(item);
    else if (!isList(item) || !visit(item, level + 1, shape, running)) return false;
  }
  return true;
}
