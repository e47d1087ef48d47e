/** Count, sum and sum of squares: the form of mean and deviation from which a value can be taken out again. */

export interface Moments {
  count: number;
  sum: number;
  sum_squares: number;
}

/** Squares of larger values would leave the range of doubles and spoil the sums for good: they are left out. */
const LARGEST = 1e100;

export function emptyMoments(): Moments {
  return { count: 0, sum: 0, sum_squares: 0 };
}

/** Weight 1 adds the value, -1 takes it back. */
export function addValue(to: Moments, value: number, weight: number): void {
  if (!(Math.abs(value) <= LARGEST)) return;
  to.count += weight;
  to.sum += weight * value;
  to.sum_squares += weight * value * value;
}

export function mergeMoments(to: Moments, from: Moments): void {
  to.count += from.count;
  to.sum += from.sum;
  to.sum_squares += from.sum_squares;
}

/** What is left of the mean square by rounding: a smaller variance is none. */
const ROUNDING = 1e-13;

/** Mean and population standard deviation; null where there is no value. */
export function summarise({ count, sum, sum_squares }: Moments): {
  count: number;
  mean: number | null;
  std: number | null;
} {
  if (count <= 0) return { count, mean: null, std: null };
  const mean = sum / count;
  if (count === 1) return { count, mean, std: 0 };
  const mean_square = sum_squares / count;
  const variance = mean_square - mean * mean;
  return { count, mean, std: variance > ROUNDING * mean_square ? Math.sqrt(variance) : 0 };
}
