/** Event-time timers of one task, kept in its state, fired in order of time, actor and key. */
import TinyQueue from 'tinyqueue';
import type { State } from '../actors/actor.ts';

export interface Timer {
  time_ms: number;
  actor: string;
  key: string;
}

/** All there is to know of a timer stands in its key: `{time_ms}/{actor}/{key}`. */
const IS_SET = 1;

export class Timers {
  readonly #state: State;
  readonly #queue: TinyQueue<Timer>;

  /** `state` holds what was set before a restart. */
  constructor(state: State) {
    this.#state = state;
    this.#queue = new TinyQueue<Timer>([], compare);
    for (const [id] of state.entries('')) this.#queue.push(parseId(id));
  }

  set(timer: Timer): void {
    const id = timerId(timer);
    if (this.#state.get(id)) return;
    this.#state.set(id, IS_SET);
    this.#queue.push(timer);
  }

  /** Before it no timer is due. */
  get next_ms(): number {
    return this.#queue.peek()?.time_ms ?? Number.POSITIVE_INFINITY;
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

/** Names of actors hold no slash. */
function parseId(id: string): Timer {
  const [time = '', actor = ''] = id.split('/', 2);
  return { time_ms: Number(time), actor, key: id.slice(time.length + actor.length + 2) };
}

function compare(a: Timer, b: Timer): number {
  return a.time_ms - b.time_ms || order(a.actor, b.actor) || order(a.key, b.key);
}

function order(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
