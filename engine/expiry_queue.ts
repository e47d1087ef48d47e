/**
 * Entries in order of their expiry. An entry is only put into the bucket of its time; a bucket is put in order once its time
 * has come, so an entry costs a place in a list until then, and those that are gone by then cost nothing more. (The
 * coarse-to-fine idea of hierarchical timing wheels, Varghese and Lauck, SOSP 1987.)
 */
import TinyQueue from 'tinyqueue';

const BUCKET_MS = 10_000;

interface Due<Entry> {
  expires_ms: number;
  entry: Entry;
}

export class ExpiryQueue<Entry> {
  readonly #buckets = new Map<number, Entry[]>();
  readonly #numbers = new TinyQueue<number>();
  /** Number of the bucket that is in order; those before it are done. */
  #open = Number.NEGATIVE_INFINITY;
  /** Of the open bucket, the first due last. */
  #ordered: Due<Entry>[] = [];
  /** What came when its bucket was open already. */
  readonly #late: TinyQueue<Due<Entry>>;
  readonly #expiryOf: (entry: Entry) => number | undefined;
  readonly #compare: (a: Due<Entry>, b: Due<Entry>) => number;

  /**
   * `expiryOf`: when an entry expires now; undefined or NaN for one that is gone. `compare` decides between entries that
   * expire at once.
   */
  constructor(expiryOf: (entry: Entry) => number | undefined, compare: (a: Entry, b: Entry) => number) {
    this.#expiryOf = expiryOf;
    this.#compare = (a, b) => a.expires_ms - b.expires_ms || compare(a.entry, b.entry);
    this.#late = new TinyQueue<Due<Entry>>([], this.#compare);
  }

  /** For an entry that is new or expires at another time than before. */
  add(entry: Entry, expires_ms: number): void {
    const number = Math.floor(expires_ms / BUCKET_MS);
    const bucket = this.#buckets.get(number);
    if (number <= this.#open) this.#late.push({ expires_ms, entry });
    else if (bucket) bucket.push(entry);
    else {
      this.#buckets.set(number, [entry]);
      this.#numbers.push(number);
    }
  }

  /** The entry that expires first, if at `until_ms` or before. It stays until it is gone. */
  first(until_ms: number): Entry | undefined {
    for (;;) {
      const due = this.#first();
      if (due) return due.expires_ms <= until_ms ? due.entry : undefined;
      const next = this.#numbers.peek();
      if (next === undefined || next * BUCKET_MS > until_ms) return undefined;
      this.#openNext();
    }
  }

  #first(): Due<Entry> | undefined {
    const ordered = this.#ordered;
    while (ordered.length > 0 && !this.#isStill(ordered.at(-1)!)) ordered.pop();
    while (this.#late.length > 0 && !this.#isStill(this.#late.peek()!)) this.#late.pop();
    const [one, other] = [ordered.at(-1), this.#late.peek()];
    if (!one || !other) return one ?? other;
    return this.#compare(one, other) <= 0 ? one : other;
  }

  #isStill({ expires_ms, entry }: Due<Entry>): boolean {
    return this.#expiryOf(entry) === expires_ms;
  }

  #openNext(): void {
    const number = this.#numbers.pop()!;
    this.#open = number;
    this.#ordered = [];
    for (const entry of this.#buckets.get(number)!) {
      const expires_ms = this.#expiryOf(entry);
      if (expires_ms !== undefined && Math.floor(expires_ms / BUCKET_MS) === number)
        this.#ordered.push({ expires_ms, entry });
    }
    this.#ordered.sort(this.#compare).reverse();
    this.#buckets.delete(number);
  }
}
