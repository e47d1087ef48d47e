/** Judges each window result, and says so when the state of a window changes. */
import { type Static, Type } from 'typebox';
import type { Alert, Assessment } from '../messages/assessment.ts';
import { Duration, parseDuration } from '../messages/duration.ts';
import { parseTimestamp, toIso } from '../messages/timestamp.ts';
import type { WindowResult } from '../messages/window.ts';
import { type Actor, type ActorScope, type Context, defineActor } from './actor.ts';
import { derivedId } from './derived_id.ts';
import { judgeByThreshold, PUBLISHED_THRESHOLDS, ThresholdConfig } from './threshold.ts';

const Strategy = Type.Union([
  Type.Literal('threshold', { description: 'the published rule with its numbers' }),
  Type.Object({ threshold: Type.Partial(ThresholdConfig) }, { additionalProperties: false }),
]);

const SeverityConfig = Type.Object(
  {
    strategies: Type.Array(Strategy, {
      minItems: 1,
      maxItems: 1,
      default: ['threshold'],
      description: 'by which rule; numbers as { threshold: { error_rate_above: 0.3 } }',
    }),
    alert_on: Type.Union([Type.Literal('final'), Type.Literal('provisional')], {
      default: 'final',
      description: 'whether what a window tells before its end raises alerts too',
    }),
    lateness: Duration({
      default: '24h',
      description: 'how long a window may be corrected; where absent, that of the window in front',
    }),
  },
  { additionalProperties: false },
);
type SeverityConfig = Static<typeof SeverityConfig>;

export const severity = defineActor({
  kind: 'severity',
  summary: 'Judges how severe the errors of a window are and raises, corrects and resolves alerts.',
  example: 'severity: { from: stats, strategies: [threshold] }',
  partitioning: 'window_key',
  config: SeverityConfig,
  inputs: { windows: 'window' },
  outputs: {
    alerts: { message: 'alert', summary: 'a window fires, still fires when corrected, or no longer does' },
    assessments: { message: 'assessment', summary: 'the judgement of every window result' },
  },
  create: (config, scope) => new SeverityActor(config, scope),
});

/** What stands for a field by which the window is not grouped. */
export const ALL = '*';

/** Whether the alert of a window stands; absent where none was raised. */
interface AlertState {
  fires: boolean;
  /** When it goes, in event time. */
  until_ms: number;
}

function stateKey({ window, window_start, key }: WindowResult): string {
  return `a|${window}|${window_start}|${JSON.stringify(key)}`;
}

class SeverityActor implements Actor {
  readonly #scope: ActorScope;
  readonly #threshold: ThresholdConfig;
  readonly #lateness_ms: number;
  readonly #alerts_early: boolean;

  constructor(config: SeverityConfig, scope: ActorScope) {
    const strategy = config.strategies[0]!;
    this.#scope = scope;
    this.#threshold =
      strategy === 'threshold' ? PUBLISHED_THRESHOLDS : { ...PUBLISHED_THRESHOLDS, ...strategy.threshold };
    this.#lateness_ms = parseDuration(config.lateness);
    this.#alerts_early = config.alert_on === 'provisional';
  }

  onMessage(_input: string, message: unknown, context: Context): void {
    const window = message as WindowResult;
    const assessment = this.#assess(window);
    context.emit('assessments', assessment.deployment_id, assessment);
    if (window.final || this.#alerts_early) this.#alert(window, assessment, context);
    else this.#keepStanding(window, context);
  }

  onTimer(state_key: string, time_ms: number, context: Context): void {
    const alert = context.state.get<AlertState>(state_key);
    if (alert && alert.until_ms <= time_ms) context.state.delete(state_key);
  }

  #assess(window: WindowResult): Assessment {
    const { deployment_id = ALL, model_version = ALL } = window.key;
    return {
      id: derivedId('assessment', ...this.#identity(window)),
      topology: this.#scope.topology,
      window: window.window,
      deployment_id,
      model_version,
      revision: window.revision,
      window_start: toIso(parseTimestamp(window.window_start)!),
      window_end: toIso(parseTimestamp(window.window_end)!),
      final: window.final,
      total_events: window.total_events,
      error_rate: window.error_rate,
      ...judgeByThreshold(window, this.#threshold),
    };
  }

  #alert(window: WindowResult, { fires, final: _, ...said }: Assessment, context: Context): void {
    const state_key = stateKey(window);
    const before = context.state.get<AlertState>(state_key)?.fires ?? false;
    if (!fires && !before) return;
    const alert: Alert = {
      ...said,
      id: derivedId('alert', ...this.#identity(window)),
      kind: before ? (fires ? 'correct' : 'resolve') : 'raise',
    };
    context.emit('alerts', alert.deployment_id, alert);
    this.#remember(window, fires, context);
  }

  /** A session that goes on after an alert keeps it standing. */
  #keepStanding(window: WindowResult, context: Context): void {
    const alert = context.state.get<AlertState>(stateKey(window));
    if (alert) this.#remember(window, alert.fires, context);
  }

  /**
   * Kept as long as a revision can come: the window tells its last one at `last_ms` at the latest, so the entry goes
   * just after it. At a watermark of infinity event time has not passed.
   */
  #remember(window: WindowResult, fires: boolean, context: Context): void {
    const last_ms = parseTimestamp(window.window_end)! + this.#lateness_ms;
    if (last_ms < context.watermark_ms && context.watermark_ms !== Number.POSITIVE_INFINITY) return;
    context.state.set<AlertState>(stateKey(window), { fires, until_ms: last_ms + 1 });
    context.setTimer(last_ms + 1, stateKey(window));
  }

  #identity({ window, key, window_start, revision }: WindowResult): (string | number)[] {
    return [this.#scope.topology, this.#scope.actor, window, JSON.stringify(key), window_start, revision];
  }
}
