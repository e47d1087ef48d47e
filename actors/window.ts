/**
 * Tumbling windows over events: one final result when the watermark passes the end, then a revision for each commit
 * that brought something within the lateness. What comes later still goes to the late topic.
 */
import { parseDuration } from '../messages/duration.ts';
import { type Actor, type ActorScope, type Context, defineActor } from './actor.ts';
import { type Aggregate, emptyAggregate, isEmpty, mergeAggregate } from './aggregate.ts';
import { WindowConfig } from './window_config.ts';
import { type WindowDelta, windowKey } from './window_delta.ts';
import { resultOf } from './window_result.ts';

export const window = defineActor({
  kind: 'window',
  local_half: 'window_partial',
  summary: 'Error rate, patterns, moments and latency quantiles of the events of each window.',
  example: 'stats: { kind: window, from: capture, tumbling: 5m, lateness: 24h, idle: 30s }',
  partitioning: 'window_key',
  config: WindowConfig,
  inputs: { deltas: 'window_delta' },
  outputs: { windows: { message: 'window', summary: 'final results and their corrections' } },
  create: (config, scope) => new Window(config, scope),
});

/** State `w|{start_ms}|{window key}`. */
export interface WindowState {
  key: WindowDelta['key'];
  start_ms: number;
  end_ms: number;
  /** The last one emitted; -1: none yet. */
  revision: number;
  /** Something came since then. */
  is_changed: boolean;
  aggregate: Aggregate;
}

class Window implements Actor {
  readonly #config: WindowConfig;
  readonly #scope: ActorScope;
  readonly #lateness_ms: number;
  /** State keys of windows that are final and got something since the last commit. */
  readonly #corrected = new Set<string>();

  constructor(config: WindowConfig, scope: ActorScope) {
    this.#config = config;
    this.#scope = scope;
    this.#lateness_ms = parseDuration(config.lateness);
  }

  onMessage(_input: string, message: unknown, context: Context): void {
    const delta = message as WindowDelta;
    if (delta.end_ms + this.#lateness_ms <= context.watermark_ms) {
      context.count(this.#scope.actor, 'late', delta.represents);
      context.late(windowKey(delta.key), delta);
      return;
    }
    const state_key = `w|${delta.start_ms}|${windowKey(delta.key)}`;
    const window = context.state.get<WindowState>(state_key) ?? this.#open(state_key, delta, context);
    mergeAggregate(window.aggregate, delta.aggregate, this.#config.max_pattern_keys);
    window.is_changed = true;
    context.state.set(state_key, window);
    context.count(this.#scope.actor, 'windowed', delta.represents);
    if (delta.end_ms <= context.watermark_ms) this.#corrected.add(state_key);
  }

  #open(state_key: string, { key, start_ms, end_ms }: WindowDelta, context: Context): WindowState {
    if (end_ms > context.watermark_ms) context.setTimer(end_ms, state_key);
    context.setTimer(end_ms + this.#lateness_ms, state_key);
    return { key, start_ms, end_ms, revision: -1, is_changed: false, aggregate: emptyAggregate() };
  }

  onTimer(state_key: string, time_ms: number, context: Context): void {
    const window = context.state.get<WindowState>(state_key);
    if (!window) return;
    this.#publish(state_key, window, context);
    this.#corrected.delete(state_key);
    if (time_ms >= window.end_ms + this.#lateness_ms) context.state.delete(state_key);
  }

  onWatermark(context: Context): void {
    if (context.watermark_ms !== Number.POSITIVE_INFINITY) return;
    for (const [state_key, window] of context.state.entries<WindowState>('w|')) {
      this.#publish(state_key, window, context);
    }
    this.#corrected.clear();
  }

  onCommit(context: Context): void {
    for (const state_key of this.#corrected) {
      const window = context.state.get<WindowState>(state_key);
      if (window) this.#publish(state_key, window, context);
    }
    this.#corrected.clear();
  }

  /** Says what has not been said yet. A window from which all was taken back before it was ever told stays untold. */
  #publish(state_key: string, window: WindowState, context: Context): void {
    if (!window.is_changed || (window.revision < 0 && isEmpty(window.aggregate))) return;
    window.revision++;
    window.is_changed = false;
    context.state.set(state_key, window);
    context.emit('windows', windowKey(window.key), resultOf(window, this.#config, this.#scope));
  }
}
