/**
 * What a window knows of its events. Every part can be taken back: a retraction is an addition with weight -1, and
 * aggregates of different tasks add up in any order (counts exactly, sums to the last digits of a double).
 */
import type { Event } from '../messages/event.ts';
import { patternKey } from '../messages/pattern_key.ts';
import { mergePredictions, type PredictionCounts } from './completeness.ts';
import { addCount, type Counts, forEachCount } from './counts.ts';
import {
  addToDistribution,
  type Distribution,
  emptyDistribution,
  mergeDistribution,
} from './distribution.ts';
import { type Measure, measured } from './measures.ts';
import { addValue, emptyMoments, type Moments, mergeMoments } from './moments.ts';
import type { WindowConfig } from './window_config.ts';

/** A part of which nothing has come is absent. */
export interface Aggregate {
  events: number;
  low_ratings: number;
  slow_actions: number;
  /** Events whose pattern key was one too many to be counted by itself. */
  other_patterns: number;
  input_mean?: Moments;
  latency_ms?: Distribution;
  /** Of the fields that the topology names. */
  measures?: Partial<Record<Measure, Distribution>>;
  /** Events per pattern key. */
  patterns?: Record<string, number>;
  /** Those made in the window of which people may say something, by time. They are no events. */
  predictions?: PredictionCounts;
}

/** As it is handed on: without the parts in which there is nothing. */
export type LeanAggregate = Partial<Omit<Aggregate, 'patterns' | 'predictions'>> & {
  patterns?: Counts;
  predictions?: Counts;
};

export function emptyAggregate(): Aggregate {
  return { events: 0, low_ratings: 0, slow_actions: 0, other_patterns: 0 };
}

/** What the published rule takes for a rating or time to act that is missing. */
export const ASSUMED_RATING = 5;
export const ASSUMED_TIME_TO_ACTION_S = 0;

/** What of a window's configuration counting depends on. */
export type Counting = Pick<WindowConfig, 'bad' | 'measures'>;

/** Adds an event, or takes it back. One event can be a low rating and a slow action at once. */
export function addEvent(to: Aggregate, event: Event, config: Counting): void {
  const weight = event.op === 'add' ? 1 : -1;
  const { bad, measures } = config;
  to.events += weight;
  if ((event.rating ?? ASSUMED_RATING) < bad.rating_below) to.low_ratings += weight;
  if ((event.time_to_action ?? ASSUMED_TIME_TO_ACTION_S) > bad.time_to_action_above)
    to.slow_actions += weight;
  if (event.input_stats) {
    to.input_mean ??= emptyMoments();
    addValue(to.input_mean, event.input_stats.mean, weight);
    to.patterns ??= {};
    addCount(to.patterns, patternKey(event.input_stats), weight);
  }
  if (event.latency_ms !== undefined) {
    to.latency_ms ??= emptyDistribution();
    addToDistribution(to.latency_ms, event.latency_ms, weight);
  }
  for (const measure of measures) {
    const value = measured(event, measure);
    if (value !== undefined) addToDistribution(distributionOf(to, measure), value, weight);
  }
}

function distributionOf(aggregate: Aggregate, measure: Measure): Distribution {
  aggregate.measures ??= {};
  aggregate.measures[measure] ??= emptyDistribution();
  return aggregate.measures[measure];
}

/** Without the parts in which there is nothing: most deltas have few events. */
export function lean(aggregate: Aggregate): LeanAggregate {
  const { events, low_ratings, slow_actions, other_patterns, input_mean, latency_ms } = aggregate;
  const { measures, patterns, predictions } = aggregate;
  const there: LeanAggregate = {};
  if (events !== 0) there.events = events;
  if (low_ratings !== 0) there.low_ratings = low_ratings;
  if (slow_actions !== 0) there.slow_actions = slow_actions;
  if (input_mean && hasMoments(input_mean)) there.input_mean = input_mean;
  if (latency_ms && (hasMoments(latency_ms) || hasKeys(latency_ms.bins))) there.latency_ms = latency_ms;
  if (measures && hasKeys(measures)) there.measures = measures;
  if (patterns && hasKeys(patterns)) there.patterns = patterns;
  if (other_patterns !== 0) there.other_patterns = other_patterns;
  if (predictions && hasKeys(predictions)) there.predictions = predictions;
  return there;
}

function hasMoments({ count, sum, sum_squares }: Moments): boolean {
  return count !== 0 || sum !== 0 || sum_squares !== 0;
}

function hasKeys(object: object): boolean {
  for (const _ in object) return true;
  return false;
}

/**
 * Adds `from` to `to`, which counts at most `max_pattern_keys` pattern keys one by one. `step_shift`: what a step of
 * `from`'s predictions is later in `to`.
 */
export function mergeAggregate(
  to: Aggregate,
  from: LeanAggregate,
  max_pattern_keys: number,
  step_shift = 0,
): void {
  to.events += from.events ?? 0;
  to.low_ratings += from.low_ratings ?? 0;
  to.slow_actions += from.slow_actions ?? 0;
  if (from.input_mean) {
    to.input_mean ??= emptyMoments();
    mergeMoments(to.input_mean, from.input_mean);
  }
  if (from.latency_ms) {
    to.latency_ms ??= emptyDistribution();
    mergeDistribution(to.latency_ms, from.latency_ms);
  }
  for (const measure in from.measures)
    mergeDistribution(distributionOf(to, measure as Measure), from.measures[measure as Measure]!);
  to.other_patterns += from.other_patterns ?? 0;
  if (from.predictions) {
    to.predictions ??= {};
    mergePredictions(to.predictions, from.predictions, step_shift);
  }
  if (from.patterns) mergePatterns(to, from.patterns, max_pattern_keys);
}

function mergePatterns(to: Aggregate, patterns: Counts, max_pattern_keys: number): void {
  to.patterns ??= {};
  const known = to.patterns;
  let room = max_pattern_keys - Object.keys(known).length;
  forEachCount(patterns, (key, count) => {
    const is_known = Object.hasOwn(known, key);
    if (!is_known && room <= 0) to.other_patterns += count;
    else {
      if (!is_known) room--;
      addCount(known, key, count);
    }
  });
}

/** True where there are no events: what came was taken back. */
export function isEmpty(aggregate: LeanAggregate): boolean {
  const { events = 0, low_ratings = 0, slow_actions = 0, other_patterns = 0 } = aggregate;
  const { input_mean, latency_ms, measures, patterns } = aggregate;
  if (events !== 0 || low_ratings !== 0 || slow_actions !== 0 || other_patterns !== 0) return false;
  if (input_mean !== undefined && input_mean.count !== 0) return false;
  if (patterns !== undefined && hasKeys(patterns)) return false;
  if (latency_ms !== undefined && !isEmptyDistribution(latency_ms)) return false;
  return measures === undefined || Object.values(measures).every(isEmptyDistribution);
}

function isEmptyDistribution({ count, bins }: Distribution): boolean {
  return count === 0 && !hasKeys(bins);
}
