/** Event-time timers of one task, kept in its state, fired in order of time, actor and key. */
import TinyQueue from 'tinyqueue';
import type { State } from '../actors/actor.ts';

export interface Timer {
  time_ms: number;
  actor: string;
  key: string;
}

export class Timers {
  readonly #state: State;
  readonly #queue: TinyQueue<Timer>;

  /** `state` holds what was set before a restart. */
  constructor(state: State) {
    this.#state = state;
    this.#queue = new TinyQueue<Timer>([], compare);
    for (const [, timer] of state.entries<Timer>('')) this.#queue.push(timer);
  }

  set(timer: Timer): void {
    const id = timerId(timer);
    if (this.#state.get(id)) return;
    this.#state.set(id, timer);
    this.#queue.push(timer);
  }

  /** Takes out the next timer that is due. One whose setting was undone is passed over. */
  takeDue(watermark_ms: number): Timer | undefined {
    for (;;) {
      const next = this.#queue.peek();
      if (!next || next.time_ms > watermark_ms) return undefined;
      this.#queue.pop();
      const id = timerId(next);
      if (!this.#state.get(id)) continue;
      this.#state.delete(id);
      return next;
    }
  }
}

function timerId({ time_ms, actor, key }: Timer): string {
  return `${time_ms}/${actor}/${key}`;
}

function compare(a: Timer, b: Timer): number {
  return a.time_ms - b.time_ms || order(a.actor, b.actor) || order(a.key, b.key);
}

function order(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
