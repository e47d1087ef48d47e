/** A candidate that a training job made, and how it compares with the champion on held-out cases. */
import { type Static, Type } from 'typebox';

export const Lineage = Type.Object({
  job_id: Type.String(),
  alert_id: Type.Union([Type.String(), Type.Null()], { description: 'null for a first model' }),
  parent: Type.Union([Type.String(), Type.Null()], { description: 'the model_version it should replace' }),
  trainer: Type.String(),
  trainer_hash: Type.String({
    description: 'SHA-256 of the trainer’s module and the training configuration',
  }),
  dataset_hash: Type.String({ description: 'SHA-256 of the examples in order' }),
  examples: Type.Integer(),
  data_from: Type.Union([Type.String(), Type.Null()]),
  data_to: Type.Union([Type.String(), Type.Null()]),
  seed: Type.Integer(),
});
export type Lineage = Static<typeof Lineage>;

/** Weighted comparison of both models on the same cases; training/evaluation.ts says how it is estimated. */
export const Comparison = Type.Object({
  cases: Type.Integer(),
  /** How many of them somebody reported as wrong, or are labelled. */
  reports: Type.Integer(),
  /** Kish's effective sample size of the weights. */
  effective_cases: Type.Number(),
  /** Estimated shares; being unbiased, the estimate of a small share can fall below 0. */
  champion_error: Type.Number(),
  candidate_error: Type.Number(),
  /** Standard error of the difference of the two errors. */
  difference_se: Type.Number(),
});
export type Comparison = Static<typeof Comparison>;

export const Evaluation = Type.Object(
  {
    job_id: Type.String(),
    alert_id: Type.String(),
    topology: Type.String(),
    deployment_id: Type.String(),
    candidate: Type.Union([Type.String(), Type.Null()], {
      description: 'content hash; null if training failed',
    }),
    champion: Type.String(),
    time: Type.String({ format: 'date-time', description: 'event time up to which data was used' }),
    recent: Type.Union([Comparison, Type.Null()]),
    older: Type.Union([Comparison, Type.Null()]),
    failure: Type.Union([Type.String(), Type.Null()], { description: 'why there is no candidate' }),
    lineage: Type.Union([Lineage, Type.Null()]),
  },
  { $id: 'evaluation', title: 'evaluation' },
);
export type Evaluation = Static<typeof Evaluation>;
