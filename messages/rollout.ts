/** What is served is what the last promoting record of the rollout topic says, per deployment. */
import { type Static, Type } from 'typebox';
import { Comparison } from './evaluation.ts';

export const Rollout = Type.Object(
  {
    id: Type.String(),
    topology: Type.String(),
    deployment_id: Type.String(),
    kind: Type.Union([Type.Literal('promote'), Type.Literal('reject')]),
    model_version: Type.Union([Type.String(), Type.Null()], { description: 'the version this is about' }),
    previous: Type.Union([Type.String(), Type.Null()], { description: 'the version served before' }),
    reason: Type.String(),
    job_id: Type.Union([Type.String(), Type.Null()]),
    alert_id: Type.Union([Type.String(), Type.Null()]),
    time: Type.String({ format: 'date-time' }),
    recent: Type.Union([Comparison, Type.Null()]),
    older: Type.Union([Comparison, Type.Null()]),
  },
  { $id: 'rollout', title: 'rollout' },
);
export type Rollout = Static<typeof Rollout>;
