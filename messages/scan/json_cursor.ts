/**
 * Goes through JSON in bytes without making anything of it, checking every byte (RFC 8259, UTF-8).
 *
 * 1. True: what was gone through is JSON as JSON.parse takes it, and safe in the sense of json_bytes.ts. False: it is
 *    not, or is unusual, and the cursor is of no more use.
 * 2. The last of the bytes is a closing brace. It stops everything but text, so only text has to look for the end.
 */
import { MAX_NESTING } from '../json_bytes.ts';
import { characterBytes } from './utf8.ts';
import { Word } from './word.ts';

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const COLON = 0x3a;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;
const SPACE = 0x20;
const TAB = 0x09;
const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;
const MINUS = 0x2d;
const PLUS = 0x2b;
const DOT = 0x2e;
const ZERO = 0x30;
const LOWER_E = 0x65;
const UPPER_E = 0x45;
const NOT_ASCII = 0x80;

/** 1: ends a run of plain text. */
const IS_SPECIAL = new Uint8Array(256).map((_, byte) =>
  byte < SPACE || byte >= NOT_ASCII || byte === QUOTE || byte === BACKSLASH ? 1 : 0,
);
/** 1: may follow a backslash. An escape by code point (u) is unusual. */
const IS_ESCAPE = new Uint8Array(256).map((_, byte) =>
  '"\\/bfnrt'.includes(String.fromCharCode(byte)) ? 1 : 0,
);

const TRUE = new Word('true');
const FALSE = new Word('false');
const NULL = new Word('null');

/** Of four bytes at once: the top bit of each, and one value in each. */
const TOP_BITS = 0x80808080 | 0;
const ONES = 0x01010101;
const SPACES = SPACE * ONES;
const QUOTES = QUOTE * ONES;
const BACKSLASHES = BACKSLASH * ONES;

/**
 * Top bits where a byte of `four` ends a run of plain text; of them only the lowest is sure, which is all that is asked for:
 * a subtraction borrows from the byte above where a byte is below what is subtracted, or is the one looked for.
 * Source: H. S. Warren, Hacker's Delight, 2012, 6-1.
 */
function specialBits(four: number): number {
  return (four | (four - SPACES) | ((four ^ QUOTES) - ONES) | ((four ^ BACKSLASHES) - ONES)) & TOP_BITS;
}

const NUMBER_MAX_BYTES = 100;
/** Numbers of no more bytes and a power of ten of no more are finite; what is too small is 0. */
const EXPONENT_MAX = 99;
const NEGATIVE_EXPONENT_MAX = 999;
const PROTO = new Word('__proto__');
const CONSTRUCTOR = new Word('constructor');

/** JSON knows no other white space. */
export function isSpace(byte: number): boolean {
  return byte === SPACE || byte === LINE_FEED || byte === CARRIAGE_RETURN || byte === TAB;
}

export class JsonCursor {
  bytes: Buffer = Buffer.alloc(0);
  #view = new DataView(this.bytes.buffer, 0, 0);
  at = 0;
  end = 0;
  /** Of the text gone through last. */
  text_start = 0;
  is_escaped = false;
  /** Of the number gone through last: ± `mantissa` × 10^`exponent`. The mantissa is exact up to 2^53 - 1. */
  mantissa = Number.NaN;
  exponent = 0;

  /** `view`: of the same bytes, where there is one already. */
  protected begin(bytes: Buffer, start: number, end: number, view?: DataView): void {
    if (bytes !== this.bytes) {
      this.bytes = bytes;
      this.#view = view ?? new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    }
    this.at = start;
    this.end = end;
  }

  /** The next byte that is no white space. */
  peek(): number {
    const byte = this.bytes[this.at]!;
    return byte > SPACE ? byte : this.#peekBehindSpace();
  }

  #peekBehindSpace(): number {
    const { bytes } = this;
    let { at } = this;
    while (isSpace(bytes[at]!)) at++;
    this.at = at;
    return bytes[at]!;
  }

  /** From behind the opening quote to behind the closing one. */
  skipText(): boolean {
    const { bytes, end } = this;
    let { at } = this;
    this.text_start = at;
    this.is_escaped = false;
    for (;;) {
      at = this.#plainEnd(at);
      if (at >= end) return false;
      if (bytes[at] === QUOTE) break;
      at = this.#behindSpecial(at);
      if (at < 0) return false;
    }
    this.at = at + 1;
    return true;
  }

  /** The first byte from `at` on that is no plain text; `end` where all is. */
  #plainEnd(start: number): number {
    const { bytes, end } = this;
    const view = this.#view;
    let at = start;
    for (; at + 4 <= end; at += 4) {
      const special = specialBits(view.getInt32(at, true));
      if (special !== 0) return at + ((31 - Math.clz32(special & -special)) >> 3);
    }
    while (at < end && IS_SPECIAL[bytes[at]!] === 0) at++;
    return at;
  }

  /** Behind an escape or a character beyond ASCII; -1 where it is neither, or unusual. */
  #behindSpecial(at: number): number {
    const { bytes } = this;
    if (bytes[at] === BACKSLASH) {
      this.is_escaped = true;
      return IS_ESCAPE[bytes[at + 1]!] === 0 ? -1 : at + 2;
    }
    const size_bytes = characterBytes(bytes, at);
    return size_bytes === 0 ? -1 : at + size_bytes;
  }

  /** Afterwards `mantissa` and `exponent` say which. False also for what may be too large for a double. */
  skipNumber(): boolean {
    const { bytes } = this;
    const start = this.at;
    let at = bytes[start] === MINUS ? start + 1 : start;
    const first = at;
    let mantissa = 0;
    let digit = bytes[at]! - ZERO;
    for (; digit >= 0 && digit <= 9; digit = bytes[++at]! - ZERO) mantissa = mantissa * 10 + digit;
    if (at === first || (bytes[first] === ZERO && at > first + 1)) return false;
    this.exponent = 0;
    if (bytes[at] === DOT) {
      const point = at;
      digit = bytes[++at]! - ZERO;
      for (; digit >= 0 && digit <= 9; digit = bytes[++at]! - ZERO) mantissa = mantissa * 10 + digit;
      this.exponent = point + 1 - at;
      if (this.exponent === 0) return false;
    }
    this.mantissa = mantissa;
    this.at = at;
    if (bytes[at] === LOWER_E || bytes[at] === UPPER_E)
      return at - start <= NUMBER_MAX_BYTES && this.#skipExponent();
    return at - start <= NUMBER_MAX_BYTES;
  }

  #skipExponent(): boolean {
    const { bytes } = this;
    let at = this.at + 1;
    const sign = bytes[at];
    if (sign === MINUS || sign === PLUS) at++;
    const first = at;
    let exponent = 0;
    let digit = bytes[at]! - ZERO;
    for (; digit >= 0 && digit <= 9; digit = bytes[++at]! - ZERO) exponent = exponent * 10 + digit;
    this.exponent += sign === MINUS ? -exponent : exponent;
    this.at = at;
    return at > first && exponent <= (sign === MINUS ? NEGATIVE_EXPONENT_MAX : EXPONENT_MAX);
  }

  /** True, and the cursor behind it, where `word` stands here. */
  skipWord(word: Word): boolean {
    const end = this.at + word.length;
    if (end > this.end || !word.isAt(this.#view, this.at)) return false;
    this.at = end;
    return true;
  }

  skipNull(): boolean {
    return this.skipWord(NULL);
  }

  /** Any value, which stands in `depth` objects and arrays. */
  skipValue(depth: number): boolean {
    const byte = this.peek();
    if (byte === QUOTE) {
      this.at++;
      return this.skipText();
    }
    if (byte === OPEN_BRACE) return this.skipObject(depth);
    if (byte === OPEN_BRACKET) return this.#skipArray(depth);
    if (byte === MINUS || (byte >= ZERO && byte <= ZERO + 9)) return this.skipNumber();
    return this.skipWord(TRUE) || this.skipWord(FALSE) || this.skipWord(NULL);
  }

  /** From the opening brace on. */
  skipObject(depth: number): boolean {
    if (depth >= MAX_NESTING) return false;
    this.at++;
    if (this.peek() === CLOSE_BRACE) {
      this.at++;
      return true;
    }
    for (;;) {
      if (this.peek() !== QUOTE) return false;
      this.at++;
      if (!this.skipText() || !this.isSafeKey() || !this.skipColon() || !this.skipValue(depth + 1))
        return false;
      const byte = this.peek();
      this.at++;
      if (byte === CLOSE_BRACE) return true;
      if (byte !== COMMA) return false;
    }
  }

  #skipArray(depth: number): boolean {
    if (depth >= MAX_NESTING) return false;
    this.at++;
    if (this.peek() === CLOSE_BRACKET) {
      this.at++;
      return true;
    }
    for (;;) {
      if (!this.skipValue(depth + 1)) return false;
      const byte = this.peek();
      this.at++;
      if (byte === CLOSE_BRACKET) return true;
      if (byte !== COMMA) return false;
    }
  }

  skipColon(): boolean {
    const is_colon = this.peek() === COLON;
    this.at++;
    return is_colon;
  }

  /** The text gone through last, as a key: nothing that may be the way to a prototype, no escape. */
  isSafeKey(): boolean {
    const { text_start } = this;
    const size_bytes = this.at - 1 - text_start;
    if (this.is_escaped) return false;
    if (size_bytes === PROTO.length) return !PROTO.isAt(this.#view, text_start);
    return size_bytes !== CONSTRUCTOR.length || !CONSTRUCTOR.isAt(this.#view, text_start);
  }
}
