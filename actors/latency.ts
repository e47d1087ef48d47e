/**
 * Latencies as moments and a histogram with logarithmic bins, from which quantiles come with a relative error of 1 %.
 * Source: Masson, Rim, Lee, "DDSketch" (VLDB 2019); bins are counted in a map, so that they can be taken back.
 */
import { LogarithmicMapping } from '@datadog/sketches-js/dist/ddsketch/mapping/index.js';
import { addCount } from './counts.ts';
import { addValue, emptyMoments, type Moments, mergeMoments, summarise } from './moments.ts';

export interface Latency extends Moments {
  /** Values per bin. */
  bins: Record<string, number>;
}

const RELATIVE_ACCURACY = 0.01;
const mapping = new LogarithmicMapping(RELATIVE_ACCURACY);
/** Shorter latencies share the first bin. */
const SHORTEST_MS = 1e-3;
const LONGEST_MS = 1e300;

export function emptyLatency(): Latency {
  return { ...emptyMoments(), bins: {} };
}

/** Weight 1 adds the value, -1 takes it back. */
export function addLatency(to: Latency, value_ms: number, weight: number): void {
  addValue(to, value_ms, weight);
  addCount(to.bins, mapping.key(Math.min(Math.max(value_ms, SHORTEST_MS), LONGEST_MS)), weight);
}

export function mergeLatency(to: Latency, from: Latency): void {
  mergeMoments(to, from);
  for (const [bin, count] of Object.entries(from.bins)) addCount(to.bins, bin, count);
}

/** Moments and quantiles; null where there is no value. */
export function summariseLatency(latency: Latency) {
  const bins = Object.entries(latency.bins)
    .map(([bin, count]): Bin => [Number(bin), count])
    .sort(([a], [b]) => a - b);
  return {
    ...summarise(latency),
    p50: quantile(bins, 0.5),
    p95: quantile(bins, 0.95),
    p99: quantile(bins, 0.99),
  };
}

type Bin = [bin: number, count: number];

function quantile(bins: Bin[], share: number): number | null {
  const total = bins.reduce((sum, [, count]) => sum + count, 0);
  const rank = share * (total - 1);
  let passed = 0;
  for (const [bin, count] of bins) {
    passed += count;
    if (passed > rank) return mapping.value(bin);
  }
  return null;
}
