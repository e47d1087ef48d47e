/** Tells known keys from bytes. Records of one program have their keys in one order, so the next is guessed from it. */

import {
  ENTRY_BYTES,
  ENTRY_MASK,
  ENTRY_WORD,
  KEY_COUNT,
  KEY_ENTRIES,
  NEXT_KEYS,
  UNSAFE_KEYS,
} from '../layout';
import { byteAt, COLON, QUOTE } from './bytes';
import { behindSpace, behindText, isEscaped } from './json';

/** The key found last. */
let found: i32 = 0;

export function foundKey(): i32 {
  return found;
}

/** What is found for a key that is none of the known; also what comes before the first key. */
export function unknownKey(table: i32): i32 {
  return load<i32>(table + KEY_COUNT);
}

/** From where the key may begin, to behind its colon; `last`: the key before it. 0: there is none, or it is unsafe. */
export function behindKey(table: i32, last: i32, from: i32): i32 {
  const guess: i32 = load<u8>(table + last, NEXT_KEYS);
  if (guess !== unknownKey(table)) {
    const entry = entryOf(table, guess);
    if (isWordAt(entry, from)) {
      found = guess;
      return from + load<i32>(entry);
    }
  }
  return behindUnexpectedKey(table, last, from);
}

function behindUnexpectedKey(table: i32, last: i32, from: i32): i32 {
  const start = behindSpace(from);
  if (byteAt(start) !== QUOTE) return 0;
  const behind = behindText(start + 1);
  if (behind === 0 || isEscaped() || isUnsafe(start + 1, behind)) return 0;
  found = keyAt(table, start, behind);
  store<u8>(table + last, found, NEXT_KEYS);
  const colon = behindSpace(behind);
  return byteAt(colon) === COLON ? colon + 1 : 0;
}

/** With its quotes. */
function keyAt(table: i32, start: i32, behind: i32): i32 {
  const count = unknownKey(table);
  for (let key = 0; key < count; key++) if (isSame(entryOf(table, key), start, behind)) return key;
  return count;
}

/** The entry has a colon besides. */
function isSame(entry: i32, start: i32, behind: i32): bool {
  const length = behind - start;
  if (load<i32>(entry) !== length + 1) return false;
  for (let index = 0; index < length; index++)
    if (byteAt(entry + ENTRY_WORD + index) !== byteAt(start + index)) return false;
  return true;
}

/** May be the way to a prototype. From behind the opening quote to behind the closing one. */
export function isUnsafe(start: i32, behind: i32): bool {
  const count = unknownKey(UNSAFE_KEYS);
  for (let key = 0; key < count; key++) {
    const entry = entryOf(UNSAFE_KEYS, key);
    if (load<i32>(entry) === behind - start && isWordAt(entry, start)) return true;
  }
  return false;
}

function entryOf(table: i32, key: i32): i32 {
  return table + KEY_ENTRIES + key * ENTRY_BYTES;
}

function isWordAt(entry: i32, at: i32): bool {
  const first = v128.xor(v128.load(at), v128.load(entry, ENTRY_WORD));
  const second = v128.xor(v128.load(at, 16), v128.load(entry, ENTRY_WORD + 16));
  const differs = v128.or(
    v128.and(first, v128.load(entry, ENTRY_MASK)),
    v128.and(second, v128.load(entry, ENTRY_MASK + 16)),
  );
  return !v128.any_true(differs);
}
