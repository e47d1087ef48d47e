/** Tumbling and hopping windows: each slice of time counts in every window that covers it. */
import { parseDuration } from '../messages/duration.ts';
import { entryOf } from '../messages/entry_of.ts';
import type { Actor, ActorScope, Context } from './actor.ts';
import { type Aggregate, emptyAggregate, isEmpty, mergeAggregate } from './aggregate.ts';
import { firstStep } from './completeness.ts';
import { OpenWindows } from './open_windows.ts';
import type { WindowConfig } from './window_config.ts';
import { bringsEvents, type WindowDelta, windowKey } from './window_delta.ts';
import { type FixedKind, provisionalMs } from './window_kind.ts';
import { ResultWriter } from './window_result.ts';

/** State `w|{start_ms}|{window key}`; the timers of windows that begin at one time are one, `w|{start_ms}`. */
interface WindowState {
  key: WindowDelta['key'];
  start_ms: number;
  end_ms: number;
  /** The last one told; -1: none yet. */
  revision: number;
  /** Something came since then. */
  is_changed: boolean;
  /** What was told last was provisional. */
  owes_final: boolean;
  aggregate: Aggregate;
}

export class FixedWindows implements Actor {
  readonly #config: WindowConfig;
  readonly #kind: FixedKind;
  readonly #account: string;
  readonly #lateness_ms: number;
  /** Null where nothing is told before the end. */
  readonly #provisional_ms: number | null;
  readonly #open_windows: OpenWindows;
  readonly #writer: ResultWriter;
  /** The state keys of the windows that begin at a time, from the state when first asked for. Some may be gone. */
  #begun: Map<number, Set<string>> | undefined;

  constructor(config: WindowConfig, kind: FixedKind, scope: ActorScope) {
    this.#config = config;
    this.#kind = kind;
    this.#account = scope.actor;
    this.#lateness_ms = parseDuration(config.lateness);
    this.#provisional_ms = provisionalMs(config);
    this.#open_windows = new OpenWindows(scope.actor, config.max_open_windows);
    this.#writer = new ResultWriter(config, scope);
  }

  onMessage(_input: string, message: unknown, context: Context): void {
    const delta = message as WindowDelta;
    const { size_ms, every_ms } = this.#kind;
    let start_ms = Math.floor(delta.start_ms / every_ms) * every_ms;
    for (; start_ms > delta.start_ms - size_ms; start_ms -= every_ms) this.#take(start_ms, delta, context);
  }

  #take(start_ms: number, delta: WindowDelta, context: Context): void {
    const end_ms = start_ms + this.#kind.size_ms;
    if (end_ms + this.#lateness_ms <= context.watermark_ms) {
      this.#open_windows.tooLate({ ...delta, start_ms, end_ms }, context);
      return;
    }
    const state_key = `w|${start_ms}|${windowKey(delta.key)}`;
    let window = context.state.get<WindowState>(state_key);
    if (!window) {
      if (!this.#open_windows.open({ ...delta, start_ms, end_ms }, context)) return;
      window = this.#open({ key: delta.key, start_ms, end_ms }, context);
      this.#begunAt(start_ms, context).add(state_key);
    }
    const shift = firstStep(this.#kind, delta.start_ms) - firstStep(this.#kind, start_ms);
    mergeAggregate(window.aggregate, delta.aggregate, this.#config.max_pattern_keys, shift);
    window.is_changed ||= bringsEvents(delta);
    context.state.set(state_key, window);
    context.count(this.#account, 'windowed', delta.represents);
    if (end_ms <= context.watermark_ms) this.#tell(state_key, window, context.watermark_ms, context);
  }

  #open(window: Pick<WindowState, 'key' | 'start_ms' | 'end_ms'>, context: Context): WindowState {
    const { start_ms, end_ms } = window;
    const timer_key = `w|${start_ms}`;
    if (end_ms > context.watermark_ms) {
      context.setTimer(end_ms, timer_key);
      this.#tellBefore(end_ms, Math.max(start_ms, context.watermark_ms), timer_key, context);
    }
    context.setTimer(end_ms + this.#lateness_ms, timer_key);
    return { ...window, revision: -1, is_changed: false, owes_final: false, aggregate: emptyAggregate() };
  }

  #begunAt(start_ms: number, context: Context): Set<string> {
    this.#begun ??= allBegun(context.state);
    return entryOf(this.#begun, start_ms, () => new Set<string>());
  }

  /** Sets the next time at which there is something provisional to tell. */
  #tellBefore(end_ms: number, after_ms: number, timer_key: string, context: Context): void {
    if (this.#provisional_ms === null) return;
    const time_ms = (Math.floor(after_ms / this.#provisional_ms) + 1) * this.#provisional_ms;
    if (time_ms < end_ms) context.setTimer(time_ms, timer_key);
  }

  onTimer(timer_key: string, time_ms: number, context: Context): void {
    const start_ms = Number(timer_key.slice('w|'.length));
    const end_ms = start_ms + this.#kind.size_ms;
    const state_keys = [...this.#begunAt(start_ms, context)].sort();
    // Where the watermark has jumped over the end, the final result comes right behind.
    if (time_ms >= end_ms || context.watermark_ms < end_ms)
      for (const state_key of state_keys) {
        const window = context.state.get<WindowState>(state_key);
        if (window) this.#tell(state_key, window, context.watermark_ms, context);
      }
    if (time_ms < end_ms) this.#tellBefore(end_ms, context.watermark_ms, timer_key, context);
    if (time_ms < end_ms + this.#lateness_ms) return;
    let closed = 0;
    for (const state_key of state_keys) {
      if (!context.state.get(state_key)) continue;
      context.state.delete(state_key);
      closed++;
    }
    if (closed > 0) this.#open_windows.close(context, closed);
    this.#begun!.delete(start_ms);
  }

  onWatermark(context: Context): void {
    if (context.watermark_ms !== Number.POSITIVE_INFINITY) return;
    for (const [state_key, window] of [...context.state.entries<WindowState>('w|')].sort(byKey))
      this.#tell(state_key, window, context.watermark_ms, context);
  }

  /** Says what has not been said yet. A window that was empty before it was ever told stays untold. */
  #tell(state_key: string, window: WindowState, watermark_ms: number, context: Context): void {
    const is_final = watermark_ms >= window.end_ms;
    if (!window.is_changed && !(window.owes_final && is_final)) return;
    if (window.revision < 0 && isEmpty(window.aggregate)) return;
    window.revision++;
    window.is_changed = false;
    window.owes_final = !is_final;
    context.state.set(state_key, window);
    context.emit('windows', windowKey(window.key), this.#writer.resultOf(window, watermark_ms));
  }
}

function allBegun(state: Context['state']): Map<number, Set<string>> {
  const begun = new Map<number, Set<string>>();
  for (const [state_key, { start_ms }] of state.entries<WindowState>('w|'))
    entryOf(begun, start_ms, () => new Set<string>()).add(state_key);
  return begun;
}

/** The state has no order that a restart would keep. */
export function byKey([a]: [string, unknown], [b]: [string, unknown]): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
