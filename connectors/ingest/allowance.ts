/** What the ingest takes on before it asks its clients to wait. */

/** Bytes of the requests that are under way, and of what is to be said of their records. */
export class PendingBytes {
  readonly #max_bytes: number;
  #bytes = 0;

  constructor(max_bytes: number) {
    this.#max_bytes = max_bytes;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** What is alone always fits: `own` of the bytes are the taker's already. */
  take(bytes: number, own = 0): boolean {
    if (this.#bytes > own && this.#bytes + bytes > this.#max_bytes) return false;
    this.#bytes += bytes;
    return true;
  }

  giveBack(bytes: number): void {
    this.#bytes -= bytes;
  }
}

/**
 * What one request holds of them: until it is answered and, if that takes longer, its records are published. Given back
 * once, by the last of its users; nothing is held after that, though the request may still be looked at.
 */
export class Hold {
  readonly #pending: PendingBytes;
  #bytes = 0;
  #users = 1;

  constructor(pending: PendingBytes) {
    this.#pending = pending;
  }

  /** False where that would be too many, and where all is given back. */
  growTo(bytes: number): boolean {
    if (this.#users === 0) return false;
    const more = Math.max(0, bytes - this.#bytes);
    return this.#take(more);
  }

  /** As `growTo`, for what comes on top of what is held. */
  growBy(bytes: number): boolean {
    return this.#users > 0 && this.#take(bytes);
  }

  #take(bytes: number): boolean {
    if (!this.#pending.take(bytes, this.#bytes)) return false;
    this.#bytes += bytes;
    return true;
  }

  retain(): void {
    if (this.#users > 0) this.#users++;
  }

  release(): void {
    if (this.#users > 0 && --this.#users === 0) this.#pending.giveBack(this.#bytes);
  }
}

/** Records per second, on average; what was not used for a second is not saved up. */
export class RecordRate {
  readonly #per_s: number;
  /** When all that was taken has been worked off. */
  #free_ms = Number.NEGATIVE_INFINITY;

  constructor(per_s: number) {
    this.#per_s = per_s;
  }

  /** 0, and the records are taken; or in how many milliseconds to come again. */
  take(records: number, now_ms: number): number {
    const begin_ms = Math.max(this.#free_ms, now_ms - 1_000);
    if (begin_ms > now_ms) return begin_ms - now_ms;
    this.#free_ms = begin_ms + (1_000 * records) / this.#per_s;
    return 0;
  }
}
