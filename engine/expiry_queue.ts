/**
 * Keys in order of their expiry. A key is only put into the bucket of its time; a bucket is put in order once its time
 * has come, so an entry costs a slot in a list until then, and keys that are gone by then cost nothing more. (The
 * coarse-to-fine idea of hierarchical timing wheels, Varghese and Lauck, SOSP 1987.)
 */
import TinyQueue from 'tinyqueue';

const BUCKET_MS = 10_000;

interface Due {
  expires_ms: number;
  key: string;
}

export class ExpiryQueue {
  /** By number of bucket; those in order are queues. */
  readonly #buckets = new Map<number, string[] | TinyQueue<Due>>();
  readonly #numbers = new TinyQueue<number>();
  readonly #expiryOf: (key: string) => number | undefined;

  /** `expiryOf`: when a key expires now, undefined for one that is gone. */
  constructor(expiryOf: (key: string) => number | undefined) {
    this.#expiryOf = expiryOf;
  }

  /** For a key that is new or expires at another time than before. */
  add(key: string, expires_ms: number): void {
    const number = Math.floor(expires_ms / BUCKET_MS);
    const bucket = this.#buckets.get(number);
    if (Array.isArray(bucket)) bucket.push(key);
    else if (bucket) bucket.push({ expires_ms, key });
    else {
      this.#buckets.set(number, [key]);
      this.#numbers.push(number);
    }
  }

  /** The key that expires first, if at `until_ms` or before; by time, then by key. It stays until it is gone. */
  first(until_ms: number): string | undefined {
    for (;;) {
      const number = this.#numbers.peek();
      if (number === undefined || number * BUCKET_MS > until_ms) return undefined;
      const due = this.#firstOf(number);
      if (due) return due.expires_ms <= until_ms ? due.key : undefined;
      this.#numbers.pop();
      this.#buckets.delete(number);
    }
  }

  #firstOf(number: number): Due | undefined {
    const queue = this.#ordered(number);
    for (let due = queue.peek(); due; due = queue.peek()) {
      if (this.#expiryOf(due.key) === due.expires_ms) return due;
      queue.pop();
    }
    return undefined;
  }

  #ordered(number: number): TinyQueue<Due> {
    const bucket = this.#buckets.get(number)!;
    if (!Array.isArray(bucket)) return bucket;
    const live: Due[] = [];
    for (const key of bucket) {
      const expires_ms = this.#expiryOf(key);
      if (expires_ms !== undefined && Math.floor(expires_ms / BUCKET_MS) === number)
        live.push({ expires_ms, key });
    }
    const queue = new TinyQueue(live, compare);
    this.#buckets.set(number, queue);
    return queue;
  }
}

function compare(a: Due, b: Due): number {
  return a.expires_ms - b.expires_ms || (a.key < b.key ? -1 : a.key > b.key ? 1 : 0);
}
