/** Tells known keys from bytes. Records of one program have their keys in one order, so the next is guessed from it. */
import type { JsonCursor } from './json_cursor.ts';

export const BAD_KEY = -1;

export class KeyFinder {
  /** What `find` says of a key that is none of the known; also what comes before the first key. */
  readonly unknown: number;
  /** With the closing quote. */
  readonly #words: Buffer[];
  readonly #by_length: number[][] = [];
  /** Key → which one came after it the last time. */
  readonly #next: Uint8Array;
  #last: number;

  constructor(names: readonly string[]) {
    this.unknown = names.length;
    this.#words = names.map((name) => Buffer.from(`${name}"`));
    for (const [key, { length }] of this.#words.entries())
      this.#by_length[length] = [...(this.#by_length[length] ?? []), key];
    this.#next = new Uint8Array(names.length + 1).fill(this.unknown);
    this.#last = this.unknown;
  }

  /** Before the first key of an object. */
  begin(): void {
    this.#last = this.unknown;
  }

  /** The key behind whose opening quote the cursor stands; it goes on behind the closing one. */
  find(cursor: JsonCursor): number {
    const guess = this.#next[this.#last]!;
    if (guess !== this.unknown && cursor.skipWord(this.#words[guess]!)) {
      this.#last = guess;
      return guess;
    }
    const start = cursor.at;
    if (!cursor.skipText() || !cursor.isSafeKey()) return BAD_KEY;
    const key = this.#lookUp(cursor, start);
    this.#next[this.#last] = key;
    this.#last = key;
    return key;
  }

  #lookUp(cursor: JsonCursor, start: number): number {
    const behind = cursor.at;
    const candidates = this.#by_length[behind - start];
    if (candidates === undefined) return this.unknown;
    cursor.at = start;
    for (const key of candidates) if (cursor.skipWord(this.#words[key]!)) return key;
    cursor.at = behind;
    return this.unknown;
  }
}
