/**
 * Decides when an alert is worth a training job. Per deployment, only one job is under way, and the windows that start
 * jobs lie at least `cooldown` apart, always forward: so neither a correction nor a repeated alert starts one twice.
 */
import { type Static, Type } from 'typebox';
import { type Alert, Severity } from '../messages/assessment.ts';
import { Duration, parseDuration } from '../messages/duration.ts';
import type { Rollout } from '../messages/rollout.ts';
import type { TrainingJob } from '../messages/training_job.ts';
import { TrainingConfig } from '../training/config.ts';
import { type Actor, type ActorScope, type Context, defineActor } from './actor.ts';
import { Comparator, parseComparator } from './comparator.ts';
import { derivedId, derivedSeed } from './derived_id.ts';
import { ALL } from './severity.ts';

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

const RetrainingConfig = Type.Object(
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
);
type RetrainingConfig = Static<typeof RetrainingConfig>;

export const retraining = defineActor({
  kind: 'retraining',
  summary: 'Starts a training job where an alert calls for one, one at a time per deployment.',
  example:
    'retraining: { from: severity, when: { error_rate: "> 0.3", severity: high, total_events: "> 1000" }, trainer: text_logistic }',
  partitioning: 'deployment_id',
  config: RetrainingConfig,
  inputs: { alerts: 'alert', rollouts: 'rollout' },
  outputs: { jobs: { message: 'training_job', summary: 'what to train, and on what to focus' } },
  create: (config, scope) => new Retraining(config, scope),
});

/** State `d|{deployment_id}`. */
interface DeploymentState {
  /** The version served, once a rollout said so. */
  champion: string | null;
  job_under_way: string | null;
  /** The end of the last window that started a job. */
  last_window_end_ms: number | null;
}

class Retraining implements Actor {
  readonly #scope: ActorScope;
  readonly #isCalledFor: (alert: Alert) => boolean;
  readonly #cooldown_ms: number;

  constructor(config: RetrainingConfig, scope: ActorScope) {
    this.#scope = scope;
    this.#isCalledFor = triggerOf(config.when);
    this.#cooldown_ms = parseDuration(config.cooldown);
  }

  onMessage(input: string, message: unknown, context: Context): void {
    if (input === 'rollouts') learn(message as Rollout, context);
    else this.#consider(message as Alert, context);
  }

  #consider(alert: Alert, context: Context): void {
    const deployment = stateOf(alert.deployment_id, context);
    const window_end_ms = Date.parse(alert.window_end);
    if (!this.#isCalledFor(alert) || !isAboutChampion(alert, deployment)) return;
    if (deployment.job_under_way !== null || !this.#hasCooledDown(deployment, window_end_ms)) return;
    const job = this.#jobFor(alert, deployment);
    context.state.set<DeploymentState>(`d|${alert.deployment_id}`, {
      ...deployment,
      job_under_way: job.job_id,
      last_window_end_ms: window_end_ms,
    });
    context.emit('jobs', alert.deployment_id, job);
  }

  #hasCooledDown({ last_window_end_ms }: DeploymentState, window_end_ms: number): boolean {
    if (last_window_end_ms === null) return true;
    return window_end_ms > last_window_end_ms && window_end_ms - last_window_end_ms >= this.#cooldown_ms;
  }

  #jobFor(alert: Alert, { champion }: DeploymentState): TrainingJob {
    const { topology, actor } = this.#scope;
    const { deployment_id, window_start, window_end } = alert;
    const job_id = derivedId('job', topology, actor, deployment_id, window_start, window_end);
    return {
      job_id,
      alert_id: alert.id,
      topology,
      deployment_id,
      champion: champion ?? alert.model_version,
      window_start,
      window_end,
      patterns: mostFrequentFirst(alert.patterns),
      seed: derivedSeed(job_id),
    };
  }
}

function triggerOf(when: RetrainingConfig['when']): (alert: Alert) => boolean {
  const severities = [when.severity].flat();
  const hasErrorRate = parseComparator(when.error_rate);
  const hasEvents = parseComparator(when.total_events);
  return (alert) =>
    alert.kind !== 'resolve' &&
    severities.includes(alert.severity) &&
    hasErrorRate(alert.error_rate) &&
    hasEvents(alert.total_events);
}

/** An alert about a version that is no longer served says nothing about the one that is. */
function isAboutChampion({ model_version }: Alert, { champion }: DeploymentState): boolean {
  return champion === null || model_version === ALL || model_version === champion;
}

function learn(rollout: Rollout, context: Context): void {
  const deployment = stateOf(rollout.deployment_id, context);
  const has_ended = rollout.job_id !== null && rollout.job_id === deployment.job_under_way;
  context.state.set<DeploymentState>(`d|${rollout.deployment_id}`, {
    ...deployment,
    champion: rollout.kind === 'promote' ? rollout.model_version : deployment.champion,
    job_under_way: has_ended ? null : deployment.job_under_way,
  });
}

function stateOf(deployment_id: string, context: Context): DeploymentState {
  return (
    context.state.get<DeploymentState>(`d|${deployment_id}`) ?? {
      champion: null,
      job_under_way: null,
      last_window_end_ms: null,
    }
  );
}

function mostFrequentFirst(patterns: Record<string, number>): string[] {
  return Object.entries(patterns)
    .sort(([key_a, a], [key_b, b]) => b - a || (key_a < key_b ? -1 : 1))
    .map(([key]) => key);
}
