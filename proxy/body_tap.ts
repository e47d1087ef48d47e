/** Keeps what streams by, as long as it stays small; what one holds counts against a bound for all. */

/** Bytes that all taps together may hold. */
export class TapBudget {
  #left_bytes: number;

  constructor(max_bytes: number) {
    this.#left_bytes = max_bytes;
  }

  take(bytes: number): boolean {
    if (bytes > this.#left_bytes) return false;
    this.#left_bytes -= bytes;
    return true;
  }

  giveBack(bytes: number): void {
    this.#left_bytes += bytes;
  }
}

export class BodyTap {
  readonly #budget: TapBudget;
  readonly #max_bytes: number;
  #chunks: Buffer[] | undefined = [];
  #held_bytes = 0;
  /** All that came by, kept or not. */
  seen_bytes = 0;

  constructor(budget: TapBudget, max_bytes: number) {
    this.#budget = budget;
    this.#max_bytes = max_bytes;
  }

  add(chunk: Buffer): void {
    this.seen_bytes += chunk.length;
    if (!this.#chunks) return;
    if (this.seen_bytes > this.#max_bytes || !this.#budget.take(chunk.length)) {
      this.release();
      return;
    }
    this.#held_bytes += chunk.length;
    this.#chunks.push(chunk);
  }

  /** What came by so far; undefined if not all of it was kept. */
  get chunks(): readonly Buffer[] | undefined {
    return this.#chunks;
  }

  /** The same in memory of its own, which can be handed to another thread. */
  copy(): Uint8Array<ArrayBuffer> | undefined {
    if (!this.#chunks) return undefined;
    const bytes = new Uint8Array(this.seen_bytes);
    let at = 0;
    for (const chunk of this.#chunks) {
      bytes.set(chunk, at);
      at += chunk.length;
    }
    return bytes;
  }

  release(): void {
    this.#budget.giveBack(this.#held_bytes);
    this.#held_bytes = 0;
    this.#chunks = undefined;
  }
}
