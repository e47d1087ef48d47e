/**
 * Values as moments and a histogram with logarithmic bins, from which quantiles come with a relative error of 1 %.
 * Source: Masson, Rim, Lee, "DDSketch" (VLDB 2019); bins are counted in a map, so that they can be taken back.
 */
import { LogarithmicMapping } from '@datadog/sketches-js/dist/ddsketch/mapping/index.js';
import { addCount, mergeCounts } from './counts.ts';
import { addValue, emptyMoments, type Moments, mergeMoments, summarise } from './moments.ts';

export interface Distribution extends Moments {
  /** Values per bin: `12` holds positive ones, `n12` their negatives, and the lowest positive one zero too. */
  bins: Record<string, number>;
}

const RELATIVE_ACCURACY = 0.01;
const mapping = new LogarithmicMapping(RELATIVE_ACCURACY);
/** What is nearer to zero counts as zero. */
const SMALLEST = 1e-3;
const LARGEST = 1e300;
const ZERO_BIN = mapping.key(SMALLEST);

export function emptyDistribution(): Distribution {
  return { ...emptyMoments(), bins: {} };
}

/** Weight 1 adds the value, -1 takes it back. */
export function addToDistribution(to: Distribution, value: number, weight: number): void {
  addValue(to, value, weight);
  addCount(to.bins, value <= -SMALLEST ? `n${binOf(-value)}` : binOf(value), weight);
}

/** The bin of a value that is not negative. */
export function binOf(value: number): number {
  return mapping.key(Math.min(Math.max(value, SMALLEST), LARGEST));
}

export function mergeDistribution(to: Distribution, from: Distribution): void {
  mergeMoments(to, from);
  mergeCounts(to.bins, from.bins);
}

/** Moments and quantiles; null where there is no value. */
export function summariseDistribution(distribution: Distribution) {
  const bins = Object.entries(distribution.bins)
    .map(([bin, count]): Bin => [middleOf(bin), count])
    .sort(([a], [b]) => a - b);
  return {
    ...summarise(distribution),
    p50: quantile(bins, 0.5),
    p95: quantile(bins, 0.95),
    p99: quantile(bins, 0.99),
  };
}

function middleOf(bin: string): number {
  if (bin.startsWith('n')) return -mapping.value(Number(bin.slice(1)));
  const key = Number(bin);
  return key <= ZERO_BIN ? 0 : mapping.value(key);
}

type Bin = [value: number, count: number];

function quantile(bins: Bin[], share: number): number | null {
  const total = bins.reduce((sum, [, count]) => sum + count, 0);
  const rank = share * (total - 1);
  let passed = 0;
  for (const [value, count] of bins) {
    passed += count;
    if (passed > rank) return value;
  }
  return null;
}
