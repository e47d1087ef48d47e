/** Reads the entries of a store on disk in order of their expiry, some at a time. */
import type { Database } from 'lmdb';
import { decodeEntry, splitPlace } from './disk_key.ts';

const READ_AT_ONCE = 256;

export interface StoredDue {
  expires_ms: number;
  key: string;
  json: string;
}

export class DueReader {
  readonly #entries: Database<string, Buffer>;
  #read: StoredDue[] = [];
  #next = 0;
  /** Of the last that was read; undefined: begin anew. */
  #last: Buffer | undefined;
  #at_end = false;

  /** `entries` by expiry and key. */
  constructor(entries: Database<string, Buffer>) {
    this.#entries = entries;
  }

  /** What is on disk has changed. */
  rewind(): void {
    this.#read = [];
    this.#next = 0;
    this.#last = undefined;
    this.#at_end = false;
  }

  /** The entry that expires first, if at `until_ms` or before, passing over those that are not as on disk any more. */
  first(until_ms: number, isPassedOver: (key: string) => boolean): StoredDue | undefined {
    for (;;) {
      const due = this.#read[this.#next];
      if (due) {
        if (due.expires_ms > until_ms) return undefined;
        if (!isPassedOver(due.key)) return due;
        this.#next++;
      } else if (!this.#readMore()) return undefined;
    }
  }

  #readMore(): boolean {
    if (this.#at_end) return false;
    const start = this.#last ? { start: this.#last, exclusiveStart: true } : {};
    this.#read = [];
    this.#next = 0;
    for (const { key, value } of this.#entries.getRange({ ...start, limit: READ_AT_ONCE })) {
      const { expires_ms, bytes } = splitPlace(key);
      this.#read.push({ expires_ms, ...decodeEntry(bytes, value) });
      this.#last = key;
    }
    this.#at_end = this.#read.length < READ_AT_ONCE;
    return this.#read.length > 0;
  }
}
