/**
 * Values as moments and a histogram with logarithmic bins, from which quantiles come with a relative error of 1 %.
 * Source: Masson, Rim, Lee, "DDSketch" (VLDB 2019); bins are counted one by one, so that they can be taken back.
 */
import { LogarithmicMapping } from '@datadog/sketches-js/dist/ddsketch/mapping/index.js';
import { addToBin, type Bins, mergeBins, totalOf, walkBins } from './bins.ts';
import { addValue, emptyMoments, type Moments, mergeMoments, summarise } from './moments.ts';

export interface Distribution extends Moments {
  /** Values per bin; the lowest positive one holds zero too. */
  bins: Bins;
}

const RELATIVE_ACCURACY = 0.01;
const mapping = new LogarithmicMapping(RELATIVE_ACCURACY);
/** What is nearer to zero counts as zero. */
export const SMALLEST = 1e-3;
const LARGEST = 1e300;
const ZERO_BIN = mapping.key(SMALLEST);

export function emptyDistribution(): Distribution {
  return { ...emptyMoments(), bins: [] };
}

/** Weight 1 adds the value, -1 takes it back. */
export function addToDistribution(to: Distribution, value: number, weight: number): void {
  addValue(to, value, weight);
  const is_negative = value <= -SMALLEST;
  to.bins = addToBin(to.bins, binOf(is_negative ? -value : value), is_negative, weight);
}

/** The bin of a value that is not negative. */
export function binOf(value: number): number {
  return mapping.key(Math.min(Math.max(value, SMALLEST), LARGEST));
}

export function mergeDistribution(to: Distribution, from: Distribution): void {
  mergeMoments(to, from);
  to.bins = mergeBins(to.bins, from.bins);
}

const SHARES = [0.5, 0.95, 0.99] as const;

const NO_VALUES = emptyDistribution();

/** Moments and quantiles; null where there is no value. */
export function summariseDistribution(distribution: Distribution = NO_VALUES) {
  const [p50, p95, p99] = quantiles(distribution.bins, SHARES) as [Quantile, Quantile, Quantile];
  return { ...summarise(distribution), p50, p95, p99 };
}

type Quantile = number | null;

/** Of shares that rise. */
function quantiles(bins: Bins, shares: readonly number[]): Quantile[] {
  const total = totalOf(bins);
  const found: Quantile[] = [];
  let passed = 0;
  walkBins(bins, (bin, is_negative, count) => {
    passed += count;
    while (found.length < shares.length && passed > shares[found.length]! * (total - 1))
      found.push(middleOf(bin, is_negative));
    return found.length < shares.length;
  });
  return shares.map((_, index) => found[index] ?? null);
}

function middleOf(bin: number, is_negative: boolean): number {
  if (is_negative) return -mapping.value(bin);
  return bin <= ZERO_BIN ? 0 : mapping.value(bin);
}
