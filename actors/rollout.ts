/** Decides whether a candidate replaces the champion, and keeps which version each deployment serves. */
import { GateConfig } from '../deploy/verdict.ts';
import { ErrataError } from '../messages/errata_error.ts';
import { defineActor } from './actor.ts';

export const rollout = defineActor({
  kind: 'rollout',
  summary: 'Promotes a candidate that is proven better than what is served, and records why others are not.',
  example: 'rollout: { from: retraining, min_cases: 50 }',
  partitioning: 'deployment_id',
  config: GateConfig,
  inputs: { evaluations: 'evaluation' },
  outputs: { rollouts: { message: 'rollout', summary: 'promotions and rejections, with the comparison' } },
  create() {
    throw new ErrataError('E_NOT_BUILT', 'this actor has no behaviour yet');
  },
});
