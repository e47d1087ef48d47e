/** What a topology can say about strategy `threshold`. */
import { type Static, Type } from 'typebox';

export const ThresholdConfig = Type.Object(
  {
    error_rate_above: Type.Number({
      minimum: 0,
      default: 0.3,
      description: 'error rate above which it fires',
    }),
    pattern_share_above: Type.Number({
      minimum: 0,
      maximum: 1,
      default: 0.1,
      description: 'share of the events above which a pattern key is kept',
    }),
    high_above: Type.Number({
      minimum: 0,
      maximum: 1,
      default: 0.5,
      description: 'share of the largest kept key above which severity is high',
    }),
    medium_above: Type.Number({
      minimum: 0,
      maximum: 1,
      default: 0.3,
      description: 'and above which it is medium',
    }),
  },
  { additionalProperties: false },
);
export type ThresholdConfig = Static<typeof ThresholdConfig>;
