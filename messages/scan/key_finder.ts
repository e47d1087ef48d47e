/** Tells known keys from bytes. Records of one program have their keys in one order, so the next is guessed from it. */
import type { JsonCursor } from './json_cursor.ts';
import { Word } from './word.ts';

export const BAD_KEY = -1;

const QUOTE = 0x22;

export class KeyFinder {
  /** What `find` says of a key that is none of the known; also what comes before the first key. */
  readonly unknown: number;
  /** As most programs write it: quoted, a colon right behind. */
  readonly #guesses: Word[];
  /** With the closing quote. */
  readonly #words: Word[];
  readonly #by_length: number[][] = [];
  /** Key → which one came after it the last time. */
  readonly #next: Uint8Array;
  #last: number;

  constructor(names: readonly string[]) {
    this.unknown = names.length;
    this.#guesses = names.map((name) => new Word(`"${name}":`));
    this.#words = names.map((name) => new Word(`${name}"`));
    for (const [key, { length }] of this.#words.entries())
      this.#by_length[length] = [...(this.#by_length[length] ?? []), key];
    this.#next = new Uint8Array(names.length + 1).fill(this.unknown);
    this.#last = this.unknown;
  }

  /** Before the first key of an object. */
  begin(): void {
    this.#last = this.unknown;
  }

  /** The key that comes next; the cursor goes on behind its colon. */
  find(cursor: JsonCursor): number {
    const guess = this.#next[this.#last]!;
    if (guess !== this.unknown && cursor.skipWord(this.#guesses[guess]!)) {
      this.#last = guess;
      return guess;
    }
    if (cursor.peek() !== QUOTE) return BAD_KEY;
    const start = ++cursor.at;
    if (!cursor.skipText() || !cursor.isSafeKey()) return BAD_KEY;
    const key = this.#lookUp(cursor, start);
    this.#next[this.#last] = key;
    this.#last = key;
    return cursor.skipColon() ? key : BAD_KEY;
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
