/**
 * Goes through JSON without making anything of it, checking every byte (RFC 8259, UTF-8). Each function takes where
 * something begins and tells where it ends; 0: it is not JSON as JSON.parse takes it and safe in the sense of
 * json_bytes.ts, or it is unusual.
 *
 * The last byte of the input is a closing brace. It stops everything but text, so only text has to look for the end.
 */
import {
  BACKSLASH,
  byteAt,
  CLOSE_BRACE,
  CLOSE_BRACKET,
  COLON,
  COMMA,
  isDigit,
  isSpace,
  LOWER_B,
  LOWER_E,
  LOWER_F,
  LOWER_N,
  LOWER_R,
  LOWER_T,
  MINUS,
  OPEN_BRACE,
  OPEN_BRACKET,
  QUOTE,
  SLASH,
  SPACE,
} from './bytes';
import { isUnsafe } from './keys';
import { behindNumber } from './numbers';
import { characterBytes } from './utf8';

/** As MAX_NESTING of json_bytes.ts. */
const MAX_NESTING: i32 = 64;

/** Four bytes, little-endian. */
const TRUE: u32 = 0x65757274;
const FALS: u32 = 0x736c6166;
export const NULL: u32 = 0x6c6c756e;

let end: i32 = 0;
/** Of the text gone through last. */
let is_escaped: bool = false;

export function setEnd(at: i32): void {
  end = at;
}

export function isEscaped(): bool {
  return is_escaped;
}

export function behindSpace(at: i32): i32 {
  if (byteAt(at) > SPACE) return at;
  let behind = at;
  while (isSpace(byteAt(behind))) behind++;
  return behind;
}

/** From behind the opening quote. An escape by code point (\u) is unusual. */
export function behindText(start: i32): i32 {
  is_escaped = false;
  let at = start;
  while (true) {
    at = plainEnd(at);
    if (at >= end) return 0;
    const byte = byteAt(at);
    if (byte === QUOTE) return at + 1;
    if (byte === BACKSLASH) {
      if (!mayFollowBackslash(byteAt(at + 1))) return 0;
      is_escaped = true;
      at += 2;
    } else {
      const size_bytes = characterBytes(at);
      if (size_bytes === 0) return 0;
      at += size_bytes;
    }
  }
}

/** The first byte that is not plain text, 16 at a time: control characters and what is not ASCII are less than a space, as signed bytes. */
function plainEnd(start: i32): i32 {
  let at = start;
  while (at < end) {
    const bytes = v128.load(at);
    const is_low = i8x16.lt_s(bytes, i8x16.splat(0x20));
    const is_quote = i8x16.eq(bytes, i8x16.splat(0x22));
    const is_backslash = i8x16.eq(bytes, i8x16.splat(0x5c));
    const special = i8x16.bitmask(v128.or(v128.or(is_low, is_quote), is_backslash));
    if (special !== 0) return at + ctz(special);
    at += 16;
  }
  return at;
}

/** One of "\/bfnrt. */
function mayFollowBackslash(byte: i32): bool {
  switch (byte) {
    case QUOTE:
    case BACKSLASH:
    case SLASH:
    case LOWER_B:
    case LOWER_F:
    case LOWER_N:
    case LOWER_R:
    case LOWER_T:
      return true;
    default:
      return false;
  }
}

/** Any value, which stands in `depth` objects and arrays. */
export function behindValue(from: i32, depth: i32): i32 {
  const at = behindSpace(from);
  const byte = byteAt(at);
  if (byte === QUOTE) return behindText(at + 1);
  if (byte === OPEN_BRACE) return behindObject(at, depth);
  if (byte === OPEN_BRACKET) return behindArray(at, depth);
  if (byte === MINUS || isDigit(byte)) return behindNumber(at);
  const word = load<u32>(at);
  if (word === TRUE || word === NULL) return at + 4;
  return word === FALS && byteAt(at + 4) === LOWER_E ? at + 5 : 0;
}

/** From the opening brace on. */
export function behindObject(from: i32, depth: i32): i32 {
  if (depth >= MAX_NESTING) return 0;
  let at = behindSpace(from + 1);
  if (byteAt(at) === CLOSE_BRACE) return at + 1;
  while (true) {
    at = behindSpace(at);
    if (byteAt(at) !== QUOTE) return 0;
    const key = at + 1;
    at = behindText(key);
    if (at === 0 || is_escaped || isUnsafe(key, at)) return 0;
    at = behindSpace(at);
    if (byteAt(at) !== COLON) return 0;
    at = behindValue(at + 1, depth + 1);
    if (at === 0) return 0;
    at = behindSpace(at);
    const byte = byteAt(at++);
    if (byte === CLOSE_BRACE) return at;
    if (byte !== COMMA) return 0;
  }
}

function behindArray(from: i32, depth: i32): i32 {
  if (depth >= MAX_NESTING) return 0;
  let at = behindSpace(from + 1);
  if (byteAt(at) === CLOSE_BRACKET) return at + 1;
  while (true) {
    at = behindValue(at, depth + 1);
    if (at === 0) return 0;
    at = behindSpace(at);
    const byte = byteAt(at++);
    if (byte === CLOSE_BRACKET) return at;
    if (byte !== COMMA) return 0;
  }
}

/** An array of numbers and null, as `input_shape`. */
export function behindShape(from: i32): i32 {
  let at = behindSpace(from + 1);
  if (byteAt(at) === CLOSE_BRACKET) return at + 1;
  while (true) {
    at = behindSpace(at);
    at = load<u32>(at) === NULL ? at + 4 : behindNumber(at);
    if (at === 0) return 0;
    at = behindSpace(at);
    const byte = byteAt(at++);
    if (byte === CLOSE_BRACKET) return at;
    if (byte !== COMMA) return 0;
  }
}
