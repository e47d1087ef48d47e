/** Decides when an alert is worth a training job. */
import { Type } from 'typebox';
import { Severity } from '../messages/assessment.ts';
import { Duration } from '../messages/duration.ts';
import { ErrataError } from '../messages/errata_error.ts';
import { TrainingConfig } from '../training/config.ts';
import { defineActor } from './actor.ts';
import { Comparator } from './comparator.ts';

const When = Type.Object(
  {
    error_rate: Comparator({ default: '> 0.3', description: 'of the window' }),
    severity: Type.Union([Severity, Type.Array(Severity, { minItems: 1, uniqueItems: true })], {
      default: 'high',
      description: 'one, or a list of those that count',
    }),
    total_events: Comparator({ default: '> 1000', description: 'of the window' }),
  },
  { additionalProperties: false },
);

export const retraining = defineActor({
  kind: 'retraining',
  summary: 'Starts a training job where an alert calls for one, one at a time per deployment.',
  example:
    'retraining: { from: severity, when: { error_rate: "> 0.3", severity: high, total_events: "> 1000" }, trainer: text_logistic }',
  partitioning: 'deployment_id',
  config: Type.Object(
    {
      when: { ...When, default: {} },
      cooldown: Duration({
        default: '1h',
        description: 'between the ends of two windows that start a job, in event time',
      }),
      trainer: Type.String({ minLength: 1, description: 'a built-in trainer or a module (./… or /…)' }),
      ...TrainingConfig.properties,
    },
    { additionalProperties: false },
  ),
  inputs: { alerts: 'alert', rollouts: 'rollout' },
  outputs: { jobs: { message: 'training_job', summary: 'what to train, and on what to focus' } },
  create() {
    throw new ErrataError('E_NOT_BUILT', 'this actor has no behaviour yet');
  },
});
