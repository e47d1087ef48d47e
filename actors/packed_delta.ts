/**
 * A window delta as JSON that is short and quickly read: a list by position, numbers side by side, no names. Most of
 * what flows between the stages of a topology are deltas.
 */
import type { LeanAggregate } from './aggregate.ts';
import type { Bins } from './bins.ts';
import { type CountList, listed } from './counts.ts';
import type { Distribution } from './distribution.ts';
import type { Measure } from './measures.ts';
import type { Moments } from './moments.ts';
import type { KeyField } from './window_config.ts';
import type { WindowDelta } from './window_delta.ts';

const KEY_FIELDS: readonly KeyField[] = ['deployment_id', 'model_version'];

type PackedMoments = [count: number, sum: number, sum_squares: number];
type PackedDistribution = [...PackedMoments, bins: Bins];

/** 0 in place of a part: there is none. */
export type PackedDelta = [
  key: (number | string)[],
  start_ms: number,
  end_ms: number,
  represents: number,
  counts: [events: number, low_ratings: number, slow_actions: number, other_patterns: number] | 0,
  input_mean: PackedMoments | 0,
  latency_ms: PackedDistribution | 0,
  measures: (Measure | PackedDistribution)[] | 0,
  patterns: CountList | 0,
  predictions: CountList | 0,
];

export function packDelta({ key, start_ms, end_ms, represents, aggregate }: WindowDelta): PackedDelta {
  const { events = 0, low_ratings = 0, slow_actions = 0, other_patterns = 0 } = aggregate;
  const { input_mean, latency_ms, measures, patterns, predictions } = aggregate;
  const has_counts = events !== 0 || low_ratings !== 0 || slow_actions !== 0 || other_patterns !== 0;
  return [
    packKey(key),
    start_ms,
    end_ms,
    represents,
    has_counts ? [events, low_ratings, slow_actions, other_patterns] : 0,
    input_mean ? packMoments(input_mean) : 0,
    latency_ms ? packDistribution(latency_ms) : 0,
    measures ? packMeasures(measures) : 0,
    patterns ? listed(patterns) : 0,
    predictions ? listed(predictions) : 0,
  ];
}

export function unpackDelta(packed: PackedDelta): WindowDelta {
  const [key, start_ms, end_ms, represents, counts, input_mean, latency_ms, measures] = packed;
  const [, , , , , , , , patterns, predictions] = packed;
  const aggregate: LeanAggregate = {};
  if (counts !== 0) {
    aggregate.events = counts[0];
    aggregate.low_ratings = counts[1];
    aggregate.slow_actions = counts[2];
    aggregate.other_patterns = counts[3];
  }
  if (input_mean !== 0) aggregate.input_mean = unpackMoments(input_mean);
  if (latency_ms !== 0) aggregate.latency_ms = unpackDistribution(latency_ms);
  if (measures !== 0) aggregate.measures = unpackMeasures(measures);
  if (patterns !== 0) aggregate.patterns = patterns;
  if (predictions !== 0) aggregate.predictions = predictions;
  return { key: unpackKey(key), start_ms, end_ms, represents, aggregate };
}

function packKey(key: WindowDelta['key']): (number | string)[] {
  const packed: (number | string)[] = [];
  for (const field in key) packed.push(KEY_FIELDS.indexOf(field as KeyField), key[field as KeyField]!);
  return packed;
}

function unpackKey(packed: readonly (number | string)[]): WindowDelta['key'] {
  const key: WindowDelta['key'] = {};
  for (let at = 0; at < packed.length; at += 2)
    key[KEY_FIELDS[packed[at] as number]!] = packed[at + 1] as string;
  return key;
}

function packMoments({ count, sum, sum_squares }: Moments): PackedMoments {
  return [count, sum, sum_squares];
}

function unpackMoments([count, sum, sum_squares]: readonly [number, number, number, ...unknown[]]): Moments {
  return { count, sum, sum_squares };
}

function packDistribution({ count, sum, sum_squares, bins }: Distribution): PackedDistribution {
  return [count, sum, sum_squares, bins];
}

function unpackDistribution([count, sum, sum_squares, bins]: PackedDistribution): Distribution {
  return { count, sum, sum_squares, bins };
}

function packMeasures(measures: NonNullable<LeanAggregate['measures']>): (Measure | PackedDistribution)[] {
  return Object.entries(measures).flatMap(([name, distribution]) => [
    name as Measure,
    packDistribution(distribution),
  ]);
}

function unpackMeasures(packed: readonly (Measure | PackedDistribution)[]): LeanAggregate['measures'] {
  const measures: LeanAggregate['measures'] = {};
  for (let at = 0; at < packed.length; at += 2)
    measures[packed[at] as Measure] = unpackDistribution(packed[at + 1] as PackedDistribution);
  return measures;
}
