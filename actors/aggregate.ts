/**
 * What a window knows of its events. Every part can be taken back: a retraction is an addition with weight -1, and
 * aggregates of different tasks add up in any order (counts exactly, sums to the last digits of a double).
 */
import type { Event } from '../messages/event.ts';
import { patternKey } from '../messages/pattern_key.ts';
import type { PredictionCounts } from './completeness.ts';
import { addCount, mergeCounts } from './counts.ts';
import {
  addToDistribution,
  type Distribution,
  emptyDistribution,
  mergeDistribution,
} from './distribution.ts';
import { type Measure, measured } from './measures.ts';
import { addValue, emptyMoments, type Moments, mergeMoments } from './moments.ts';
import type { WindowConfig } from './window_config.ts';

export interface Aggregate {
  events: number;
  low_ratings: number;
  slow_actions: number;
  input_mean: Moments;
  latency_ms: Distribution;
  /** Of the fields that the topology names. */
  measures: Partial<Record<Measure, Distribution>>;
  /** Events per pattern key. */
  patterns: Record<string, number>;
  /** Those made in the window of which people may say something, by time. They are no events. */
  predictions: PredictionCounts;
  /** Events whose pattern key was one too many to be counted by itself. */
  other_patterns: number;
}

export function emptyAggregate(): Aggregate {
  return {
    events: 0,
    low_ratings: 0,
    slow_actions: 0,
    input_mean: emptyMoments(),
    latency_ms: emptyDistribution(),
    measures: {},
    patterns: {},
    other_patterns: 0,
    predictions: {},
  };
}

/** What the published rule takes for a rating or time to act that is missing. */
const ASSUMED_RATING = 5;
const ASSUMED_TIME_TO_ACTION_S = 0;

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
    addValue(to.input_mean, event.input_stats.mean, weight);
    addCount(to.patterns, patternKey(event.input_stats), weight);
  }
  if (event.latency_ms !== undefined) addToDistribution(to.latency_ms, event.latency_ms, weight);
  for (const measure of measures) {
    const value = measured(event, measure);
    if (value !== undefined) addToDistribution(distributionOf(to, measure), value, weight);
  }
}

function distributionOf({ measures }: Aggregate, measure: Measure): Distribution {
  measures[measure] ??= emptyDistribution();
  return measures[measure];
}

/** Adds `from` to `to`, which counts at most `max_pattern_keys` pattern keys one by one. */
export function mergeAggregate(to: Aggregate, from: Aggregate, max_pattern_keys: number): void {
  to.events += from.events;
  to.low_ratings += from.low_ratings;
  to.slow_actions += from.slow_actions;
  mergeMoments(to.input_mean, from.input_mean);
  mergeDistribution(to.latency_ms, from.latency_ms);
  for (const [measure, distribution] of Object.entries(from.measures))
    mergeDistribution(distributionOf(to, measure as Measure), distribution);
  to.other_patterns += from.other_patterns;
  mergeCounts(to.predictions, from.predictions);
  let room = max_pattern_keys - Object.keys(to.patterns).length;
  for (const [key, count] of Object.entries(from.patterns)) {
    const is_known = Object.hasOwn(to.patterns, key);
    if (!is_known && room <= 0) to.other_patterns += count;
    else {
      if (!is_known) room--;
      addCount(to.patterns, key, count);
    }
  }
}

/** True where there are no events: what came was taken back. */
export function isEmpty(aggregate: Aggregate): boolean {
  const { events, low_ratings, slow_actions, input_mean, patterns, other_patterns } = aggregate;
  return (
    events === 0 &&
    low_ratings === 0 &&
    slow_actions === 0 &&
    input_mean.count === 0 &&
    other_patterns === 0 &&
    Object.keys(patterns).length === 0 &&
    [aggregate.latency_ms, ...Object.values(aggregate.measures)].every(isEmptyDistribution)
  );
}

function isEmptyDistribution({ count, bins }: Distribution): boolean {
  return count === 0 && Object.keys(bins).length === 0;
}
