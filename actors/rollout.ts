/** Decides whether a candidate replaces the champion, and keeps which version each deployment serves. */
import { GateConfig, type Judgement, judge } from '../deploy/verdict.ts';
import type { Evaluation } from '../messages/evaluation.ts';
import type { Rollout } from '../messages/rollout.ts';
import { type Actor, type ActorScope, type Context, defineActor } from './actor.ts';
import { derivedId } from './derived_id.ts';

export const rollout = defineActor({
  kind: 'rollout',
  summary: 'Promotes a candidate that is proven better than what is served, and records why others are not.',
  example: 'rollout: { from: retraining, min_cases: 50 }',
  partitioning: 'deployment_id',
  config: GateConfig,
  inputs: { evaluations: 'evaluation' },
  outputs: { rollouts: { message: 'rollout', summary: 'promotions and rejections, with the comparison' } },
  create: rolloutActor,
});

/** State `d|{deployment_id}`. */
interface DeploymentState {
  /** The version served; until the first promotion what the first evaluation was held against. */
  current: string;
  /** The last jobs that were decided, so that an evaluation that comes again is not decided again. */
  decided: string[];
}

/** Jobs of a deployment run one at a time: an evaluation can only repeat one of the last few. */
const DECIDED_JOBS = 100;

function rolloutActor(config: GateConfig, scope: ActorScope): Actor {
  return {
    onMessage(_input: string, message: unknown, context: Context): void {
      const evaluation = message as Evaluation;
      const key = `d|${evaluation.deployment_id}`;
      const before = context.state.get<DeploymentState>(key) ?? { current: evaluation.champion, decided: [] };
      if (before.decided.includes(evaluation.job_id)) return;
      const judgement = judgeAgainst(before.current, evaluation, config);
      context.state.set<DeploymentState>(key, {
        current: judgement.kind === 'promote' ? evaluation.candidate! : before.current,
        decided: [...before.decided, evaluation.job_id].slice(-DECIDED_JOBS),
      });
      context.emit(
        'rollouts',
        evaluation.deployment_id,
        record(evaluation, judgement, before.current, scope),
      );
    },
  };
}

/** A lead over a version that is no longer served proves nothing about the one that is. */
function judgeAgainst(current: string, evaluation: Evaluation, config: GateConfig): Judgement {
  if (evaluation.champion === current) return judge(evaluation, config);
  return { kind: 'reject', reason: `compared with ${evaluation.champion}, but ${current} is served` };
}

function record(evaluation: Evaluation, judgement: Judgement, previous: string, scope: ActorScope): Rollout {
  const { deployment_id, candidate, job_id, alert_id, time, recent, older } = evaluation;
  return {
    id: derivedId('rollout', scope.topology, scope.actor, deployment_id, job_id),
    topology: scope.topology,
    deployment_id,
    ...judgement,
    model_version: candidate,
    previous,
    job_id,
    alert_id,
    time,
    recent,
    older,
  };
}
