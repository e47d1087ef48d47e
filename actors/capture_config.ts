/** What a topology can say about `capture`. */
import { type Static, Type } from 'typebox';
import { Duration } from '../messages/duration.ts';

const Score = Type.Number({ minimum: -1, maximum: 1 });

/** One line of the table by which implicit feedback is scored. All that it names must hold. */
export const Signal = Type.Object(
  {
    action: Type.Optional(
      Type.String({ description: 'the `user_action` it is about; absent: any, or none' }),
    ),
    within: Type.Optional(Duration({ description: 'time_to_action at most; without one it does not match' })),
    after: Type.Optional(Duration({ description: 'time_to_action at least; without one it does not match' })),
    score: { ...Score, description: 'of the verdict' },
  },
  { additionalProperties: false },
);
export type Signal = Static<typeof Signal>;

const DEFAULT_SIGNALS: Signal[] = [
  { action: 'logout', score: -1 },
  { action: 'search', after: '30s', score: -0.6 },
  { action: 'click', within: '5s', score: 0.6 },
  { after: '30s', score: -0.4 },
];

export const ScoringConfig = Type.Object(
  {
    neutral_rating: Type.Number({
      minimum: 1,
      maximum: 5,
      default: 3,
      description: 'the rating that scores 0',
    }),
    label_equal: { ...Score, default: 1, description: 'the person named the answer that the model gave' },
    label_differs: { ...Score, default: -1, description: 'the person named another answer' },
    signals: Type.Array(Signal, {
      default: DEFAULT_SIGNALS,
      description: 'how implicit feedback scores; the first line that matches decides, none: no verdict',
    }),
    bad_below: { ...Score, default: 0, description: 'a verdict with a lower score is bad' },
  },
  { additionalProperties: false },
);
export type ScoringConfig = Static<typeof ScoringConfig>;

const JoinConfig = Type.Object(
  {
    wait: Duration({
      default: '24h',
      description: 'how far apart a prediction and its feedback may be in event time',
    }),
  },
  { additionalProperties: false },
);

export const CaptureConfig = Type.Object(
  {
    join: Type.Union([JoinConfig, Type.Literal('none')], {
      default: { wait: '24h' },
      description:
        'how predictions and feedback meet; none: each record counts by itself, and repetitions are not found',
    }),
    scoring: { ...ScoringConfig, default: {} },
    max_ahead: Duration({
      default: '10m',
      description: 'how far a timestamp may be ahead of the record’s Kafka timestamp',
    }),
    max_record_bytes: Type.Integer({ minimum: 1, default: 1_048_576, description: 'a longer record is bad' }),
    lateness: Duration({
      default: '24h',
      description: 'how late a record may come; where absent, the longest of the windows behind it',
    }),
    outcomes: Type.Boolean({
      default: false,
      description: 'keep whole predictions and emit what became of each; set where something retrains',
    }),
  },
  { additionalProperties: false },
);
export type CaptureConfig = Static<typeof CaptureConfig>;
