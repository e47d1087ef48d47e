/** What a topology can say about training and evaluation. */
import { type Static, Type } from 'typebox';
import { Value } from 'typebox/value';

const Share = Type.Number({ exclusiveMinimum: 0, maximum: 1 });

export const DatasetConfig = Type.Object(
  {
    silence_weight: Type.Number({
      minimum: 0,
      maximum: 1,
      default: 0.2,
      description: 'what an answer that nobody commented on counts; 0 leaves it out',
    }),
    replay: Type.Integer({
      minimum: 0,
      default: 2000,
      description: 'cases outside the problem patterns that nobody commented on, at most',
    }),
  },
  { additionalProperties: false },
);
export type DatasetConfig = Static<typeof DatasetConfig>;

export const HoldoutConfig = Type.Object(
  {
    recent_cases: Type.Integer({
      minimum: 1,
      default: 600,
      description: 'the last predictions before the window’s end count as recent, the rest as older',
    }),
    recent_share: Type.Number({
      exclusiveMinimum: 0,
      maximum: 1,
      default: 0.5,
      description: 'share of the recent cases that is not trained on as long as they are recent',
    }),
    older_share: Type.Number({
      exclusiveMinimum: 0,
      exclusiveMaximum: 1,
      default: 0.15,
      description: 'share of all cases that is never trained on',
    }),
    reported_if_wrong: {
      ...Share,
      default: 0.4,
      description: 'probability that a wrong answer is reported: each report stands for 1/p wrong answers',
    },
  },
  { additionalProperties: false },
);
export type HoldoutConfig = Static<typeof HoldoutConfig>;

export const TrainingConfig = Type.Object(
  {
    answers: Type.Optional(
      Type.Array(Type.Unknown(), {
        minItems: 2,
        maxItems: 2,
        description: 'the two answers of a binary model: a bad verdict without label means the other one',
      }),
    ),
    options: Type.Record(Type.String(), Type.Unknown(), { default: {}, description: 'for the trainer' }),
    dataset: { ...DatasetConfig, default: {} },
    holdout: { ...HoldoutConfig, default: {} },
  },
  { additionalProperties: false },
);
export type TrainingConfig = Static<typeof TrainingConfig>;

/** Fills in what is not given. Throws what TypeBox says of a value that does not fit. */
export function trainingConfig(given: { [Name in keyof TrainingConfig]?: object }): TrainingConfig {
  return Value.Parse(TrainingConfig, {
    options: {},
    ...given,
    dataset: Value.Default(DatasetConfig, { ...given.dataset }),
    holdout: Value.Default(HoldoutConfig, { ...given.holdout }),
  });
}
