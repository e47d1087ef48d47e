/** The local half of a window: sums events up where they are and hands on one delta per window and commit. */
import { parseDuration } from '../messages/duration.ts';
import { ErrataError } from '../messages/errata_error.ts';
import type { Event } from '../messages/event.ts';
import { type Actor, type Context, defineActor } from './actor.ts';
import { addEvent, emptyAggregate, isEmpty } from './aggregate.ts';
import { WindowConfig } from './window_config.ts';
import { keyOf, type WindowDelta, windowKey } from './window_delta.ts';

export const windowPartial = defineActor({
  kind: 'window_partial',
  internal: true,
  summary: 'Forms partial aggregates of a window next to the events, so that only they cross the network.',
  example: 'planned by itself in front of every window',
  partitioning: 'prediction_id',
  config: WindowConfig,
  inputs: { events: 'event' },
  outputs: { deltas: { message: 'window_delta', summary: 'what to add to a window' } },
  create: (config) => new WindowPartial(config),
});

class WindowPartial implements Actor {
  readonly #config: WindowConfig;
  readonly #size_ms: number;
  /** What came since the last commit, by window and key. */
  readonly #deltas = new Map<string, WindowDelta>();
  #first_end_ms = Number.POSITIVE_INFINITY;

  constructor(config: WindowConfig) {
    this.#config = config;
    this.#size_ms = parseDuration(config.tumbling);
    if (this.#size_ms <= 0) throw new ErrataError('E_WINDOW_SIZE', 'a window needs a length above 0');
  }

  onMessage(_input: string, message: unknown): void {
    const event = message as Event;
    if (this.#config.over === 'feedback' && event.origin !== 'feedback') return;
    const delta = this.#deltaFor(event);
    delta.represents += event.op === 'add' ? 1 : -1;
    addEvent(delta.aggregate, event, this.#config);
  }

  holdsBack(): number {
    return this.#first_end_ms;
  }

  onCommit(context: Context): void {
    for (const delta of this.#deltas.values()) {
      if (delta.represents !== 0 || !isEmpty(delta.aggregate)) {
        context.emit('deltas', windowKey(delta.key), delta);
      }
    }
    this.#deltas.clear();
    this.#first_end_ms = Number.POSITIVE_INFINITY;
  }

  #deltaFor(event: Event): WindowDelta {
    const start_ms = Math.floor(event.time_ms / this.#size_ms) * this.#size_ms;
    const key = keyOf(event, this.#config.by);
    const id = `${start_ms}|${windowKey(key)}`;
    let delta = this.#deltas.get(id);
    if (!delta) {
      delta = { key, start_ms, end_ms: start_ms + this.#size_ms, represents: 0, aggregate: emptyAggregate() };
      this.#deltas.set(id, delta);
      this.#first_end_ms = Math.min(this.#first_end_ms, delta.end_ms);
    }
    return delta;
  }
}
