/** What a source has taken and not acknowledged yet: its lag. */
import type { SourceLag } from '../engine/edge.ts';

export class HeldMessages {
  readonly #held = new Set<{ messages: number; since_ms: number }>();

  get isEmpty(): boolean {
    return this.#held.size === 0;
  }

  /** They are held until `work` has settled. `since_ms`: of the oldest. */
  async during<Result>(messages: number, since_ms: number, work: () => Promise<Result>): Promise<Result> {
    const held = { messages, since_ms };
    this.#held.add(held);
    try {
      return await work();
    } finally {
      this.#held.delete(held);
    }
  }

  lag(): SourceLag {
    let messages = 0;
    let oldest_ms = Number.POSITIVE_INFINITY;
    for (const held of this.#held) {
      messages += held.messages;
      oldest_ms = Math.min(oldest_ms, held.since_ms);
    }
    return { messages, oldest_ms: messages === 0 ? null : oldest_ms };
  }
}
