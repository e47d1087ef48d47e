/** The result of one window for one key: provisional, final, or a correction with a higher revision. */
import { type Static, Type } from 'typebox';
import { Timestamp } from './timestamp.ts';

const Moments = Type.Object({
  count: Type.Integer(),
  mean: Type.Union([Type.Number(), Type.Null()]),
  std: Type.Union([Type.Number(), Type.Null()]),
});

const Quantile = Type.Union([Type.Number(), Type.Null()], {
  description: 'within 1 %; values nearer to 0 than 0.001 count as 0',
});
const Distribution = Type.Intersect([Moments, Type.Object({ p50: Quantile, p95: Quantile, p99: Quantile })]);
const Variance = Type.Object({ variance: Type.Union([Type.Number(), Type.Null()]) });

export const WindowResult = Type.Object(
  {
    topology: Type.String(),
    window: Type.String({ description: 'name of the window actor' }),
    key: Type.Record(Type.String(), Type.String(), { description: 'the fields it is grouped by' }),
    window_start: Timestamp,
    window_end: Timestamp,
    revision: Type.Integer({ minimum: 0, description: '0 first, +1 whenever it is told anew' }),
    final: Type.Boolean({ description: 'the watermark has passed window_end' }),
    completeness: Type.Number({
      minimum: 0,
      maximum: 1,
      description:
        'share of the predictions made in the window whose feedback horizon has passed; 1 without any',
    }),
    total_events: Type.Integer(),
    low_ratings: Type.Integer({ description: 'events with rating below the limit' }),
    slow_actions: Type.Integer({ description: 'events with time_to_action above the limit' }),
    error_rate: Type.Number({ description: '(low_ratings + slow_actions) / total_events, 0 when empty' }),
    input_mean: Moments,
    latency_ms: Distribution,
    measures: Type.Record(Type.String(), Type.Intersect([Distribution, Variance]), {
      description: 'of each field that `measures` of the window names',
    }),
    pattern_counts: Type.Record(Type.String(), Type.Integer(), {
      description: 'events per pattern key, over all events that carry input_stats',
    }),
    other_patterns: Type.Integer({ description: 'events whose pattern key was one too many to be counted' }),
  },
  { $id: 'window', title: 'window' },
);
export type WindowResult = Static<typeof WindowResult>;
