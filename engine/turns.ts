/**
 * Who wants to be alone waits for those who are at it, and whoever comes later waits for him; nobody waits for longer than a while, so
 * that what hangs holds up nobody else.
 */
import { setTimeout as delay } from 'node:timers/promises';

export class Turns {
  readonly #most_wait_ms: number;
  readonly #running = new Set<Promise<unknown>>();
  /** The last who wanted to be alone, until he is done. */
  #alone: Promise<unknown> | null = null;

  constructor(most_wait_ms: number) {
    this.#most_wait_ms = most_wait_ms;
  }

  async take<Result>(is_alone: boolean, act: () => Promise<Result>): Promise<Result> {
    const turn = this.#turn(is_alone, act);
    if (!is_alone) return turn;
    this.#alone = turn;
    try {
      return await turn;
    } finally {
      if (this.#alone === turn) this.#alone = null;
    }
  }

  async #turn<Result>(is_alone: boolean, act: () => Promise<Result>): Promise<Result> {
    if (this.#alone) await this.#settled([this.#alone]);
    if (is_alone && this.#running.size > 0) await this.#settled([...this.#running]);
    const running = act();
    this.#running.add(running);
    try {
      return await running;
    } finally {
      this.#running.delete(running);
    }
  }

  async #settled(others: readonly Promise<unknown>[]): Promise<void> {
    const over = new AbortController();
    const late = delay(this.#most_wait_ms, undefined, { signal: over.signal }).catch(() => undefined);
    await Promise.race([Promise.allSettled(others), late]);
    over.abort();
  }
}
