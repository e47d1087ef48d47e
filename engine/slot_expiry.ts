/**
 * Slots of entries in order of their expiry. A slot is only put into the bucket of its time; a bucket is put in order once
 * its time has come, so that an entry costs a number in a list until then. (The coarse-to-fine idea of hierarchical timing
 * wheels, Varghese and Lauck, SOSP 1987; expiry_queue.ts does the same by keys.)
 */
import TinyQueue from 'tinyqueue';
import { NONE } from './byte_entries.ts';

const BUCKET_MS = 10_000;

interface Due {
  expires_ms: number;
  slot: number;
}

export class SlotExpiry {
  readonly #buckets = new Map<number, number[]>();
  readonly #numbers = new TinyQueue<number>();
  /** Number of the bucket that is in order; those before it are done. */
  #open = Number.NEGATIVE_INFINITY;
  /** Of the open bucket, the first due last. */
  #ordered: Due[] = [];
  /** What came when its bucket was open already. */
  readonly #late: TinyQueue<Due>;
  /** When a slot expires now; NaN for one that is gone. */
  readonly #expiryOf: (slot: number) => number;
  readonly #compare: (a: Due, b: Due) => number;

  /** `compareKeys` decides between those that expire at once. */
  constructor(expiryOf: (slot: number) => number, compareKeys: (a: number, b: number) => number) {
    this.#expiryOf = expiryOf;
    this.#compare = (a, b) => a.expires_ms - b.expires_ms || compareKeys(a.slot, b.slot);
    this.#late = new TinyQueue<Due>([], this.#compare);
  }

  /** For a slot that is new or expires at another time than before. */
  add(slot: number, expires_ms: number): void {
    const number = Math.floor(expires_ms / BUCKET_MS);
    const bucket = this.#buckets.get(number);
    if (number <= this.#open) this.#late.push({ expires_ms, slot });
    else if (bucket) bucket.push(slot);
    else {
      this.#buckets.set(number, [slot]);
      this.#numbers.push(number);
    }
  }

  /** The slot that expires first, if at `until_ms` or before, else NONE. It stays until it is gone. */
  first(until_ms: number): number {
    for (;;) {
      const due = this.#first();
      if (due) return due.expires_ms <= until_ms ? due.slot : NONE;
      const next = this.#numbers.peek();
      if (next === undefined || next * BUCKET_MS > until_ms) return NONE;
      this.#openNext();
    }
  }

  #first(): Due | undefined {
    const ordered = this.#ordered;
    while (ordered.length > 0 && !this.#isStill(ordered.at(-1)!)) ordered.pop();
    while (this.#late.length > 0 && !this.#isStill(this.#late.peek()!)) this.#late.pop();
    const [one, other] = [ordered.at(-1), this.#late.peek()];
    if (!one || !other) return one ?? other;
    return this.#compare(one, other) <= 0 ? one : other;
  }

  #isStill({ expires_ms, slot }: Due): boolean {
    return this.#expiryOf(slot) === expires_ms;
  }

  #openNext(): void {
    const number = this.#numbers.pop()!;
    this.#open = number;
    this.#ordered = [];
    for (const slot of this.#buckets.get(number)!) {
      const expires_ms = this.#expiryOf(slot);
      if (Math.floor(expires_ms / BUCKET_MS) === number) this.#ordered.push({ expires_ms, slot });
    }
    this.#ordered.sort(this.#compare).reverse();
    this.#buckets.delete(number);
  }
}
