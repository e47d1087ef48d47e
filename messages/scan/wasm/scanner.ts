/**
 * Reads the fields of a record off its bytes. Written in AssemblyScript, whose functions are those of WebAssembly: compiled
 * once for all threads, and fast from the first record on.
 *
 * What it takes, decode() takes; what it does not take may be bad or only unusual. What it read stands in its memory
 * (layout.ts).
 */

import {
  behindObject,
  behindShape,
  behindSpace,
  behindText,
  behindValue,
  byteAt,
  CLOSE_BRACE,
  COMMA,
  isEscaped,
  isSpace,
  NULL,
  OPEN_BRACE,
  OPEN_BRACKET,
  QUOTE,
  setEnd,
} from './json';
import { behindKey, foundKey, unknownKey } from './keys';
import {
  ENDS,
  FIELD_KEYS,
  IS_EXPLICIT,
  IS_TIME_TEXT,
  LEAST,
  MOST,
  NUMBERS,
  READINGS,
  SAID,
  SAID_STATS,
  STARTS,
  STAT_KEYS,
  STATS,
} from './layout';
import { behindNumber, numberAt } from './numbers';

export * from './layout';

/** As READ of fields.ts. */
const TEXT: i32 = 0;
const NUMBER: i32 = 1;
const OBJECT: i32 = 3;
const SHAPE: i32 = 4;
const STATISTICS: i32 = 5;
const FEEDBACK_TYPE: i32 = 6;
const TIME: i32 = 7;

/** Four bytes each, little-endian: `expl` or `impl`, and `icit`. */
const EXPL: u32 = 0x6c70_7865;
const IMPL: u32 = 0x6c70_6d69;
const ICIT: u32 = 0x7469_6369;

/** The record that is all there is from `start` to `stop`. */
export function scan(start: i32, stop: i32): bool {
  let last = stop - 1;
  while (last > start && isSpace(byteAt(last))) last--;
  if (byteAt(last) !== CLOSE_BRACE) return false;
  return behindRecord(start, last + 1) === last + 1;
}

/** An object of fields of a record, with more behind it; the byte before `stop` is a closing brace. */
export function behindRecord(start: i32, stop: i32): i32 {
  setEnd(stop);
  store<i32>(SAID_STATS, 0);
  return behindMembers(start);
}

/** The record's object; not the empty one, which is none. */
function behindMembers(start: i32): i32 {
  let at = behindSpace(start);
  if (byteAt(at) !== OPEN_BRACE) return 0;
  const unknown = unknownKey(FIELD_KEYS);
  let field = unknown;
  /** One bit per field: it was there, if only as null. */
  let seen = 0;
  let said = 0;
  while (true) {
    at = behindKey(FIELD_KEYS, field, at + 1);
    if (at === 0) return 0;
    field = foundKey();
    if (field === unknown) at = behindValue(at, 1);
    else {
      const bit = 1 << field;
      if ((seen & bit) !== 0) return 0;
      seen |= bit;
      at = behindSpace(at);
      if (load<u32>(at) === NULL) at += 4;
      else {
        said |= bit;
        at = behindField(field, at);
      }
    }
    if (at === 0) return 0;
    at = behindSpace(at);
    const byte = byteAt(at);
    if (byte === COMMA) continue;
    store<i32>(SAID, said);
    return byte === CLOSE_BRACE ? at + 1 : 0;
  }
}

function behindField(field: i32, at: i32): i32 {
  const reading: i32 = load<u8>(READINGS + field);
  if (reading === TEXT) return byteAt(at) === QUOTE ? behindFieldText(field, at + 1) : 0;
  const behind = behindOther(field, reading, at);
  store<i32>(STARTS + 4 * field, at);
  store<i32>(ENDS + 4 * field, behind);
  return behind;
}

function behindOther(field: i32, reading: i32, at: i32): i32 {
  const byte = byteAt(at);
  switch (reading) {
    case NUMBER:
      return behindFieldNumber(field, at);
    case TIME:
      return behindTime(field, at);
    case FEEDBACK_TYPE:
      return behindFeedbackType(at);
    case STATISTICS:
      return byte === OPEN_BRACE ? behindStats(at) : 0;
    case SHAPE:
      return byte === OPEN_BRACKET ? behindShape(at) : 0;
    case OBJECT:
      return byte === OPEN_BRACE ? behindObject(at, 1) : 0;
    default:
      return behindValue(at, 1);
  }
}

/** Lengths are in characters; no text has more of them than bytes. */
function behindFieldText(field: i32, start: i32): i32 {
  const behind = behindText(start);
  if (behind === 0) return 0;
  store<i32>(STARTS + 4 * field, start);
  store<i32>(ENDS + 4 * field, behind - 1);
  const most = load<f64>(MOST + 8 * field);
  if (most === Infinity) return behind;
  const size_bytes = <f64>(behind - 1 - start);
  return size_bytes >= load<f64>(LEAST + 8 * field) && size_bytes <= most && !isEscaped() ? behind : 0;
}

function behindFieldNumber(field: i32, at: i32): i32 {
  const behind = behindNumber(at);
  if (behind === 0) return 0;
  const value = numberAt(at, behind);
  store<f64>(NUMBERS + 8 * field, value);
  return value >= load<f64>(LEAST + 8 * field) && value <= load<f64>(MOST + 8 * field) ? behind : 0;
}

/** Which moment it is is not told here. */
function behindTime(field: i32, at: i32): i32 {
  const is_text = byteAt(at) === QUOTE;
  store<i32>(IS_TIME_TEXT, is_text ? 1 : 0);
  if (is_text) return behindText(at + 1);
  const behind = behindNumber(at);
  if (behind !== 0) store<f64>(NUMBERS + 8 * field, numberAt(at, behind));
  return behind;
}

function behindFeedbackType(at: i32): i32 {
  const word = load<u32>(at + 1);
  if ((word !== EXPL && word !== IMPL) || load<u32>(at + 5) !== ICIT) return 0;
  store<i32>(IS_EXPLICIT, word === EXPL ? 1 : 0);
  return byteAt(at) === QUOTE && byteAt(at + 9) === QUOTE ? at + 10 : 0;
}

/** Others than those known are unusual: events would carry them along. */
function behindStats(from: i32): i32 {
  const unknown = unknownKey(STAT_KEYS);
  let stat = unknown;
  let said = 0;
  let at = from;
  while (true) {
    at = behindKey(STAT_KEYS, stat, at + 1);
    if (at === 0) return 0;
    stat = foundKey();
    const bit = 1 << stat;
    if (stat === unknown || (said & bit) !== 0) return 0;
    said |= bit;
    const start = behindSpace(at);
    at = behindNumber(start);
    if (at === 0) return 0;
    store<f64>(STATS + 8 * stat, numberAt(start, at));
    at = behindSpace(at);
    const byte = byteAt(at);
    if (byte === COMMA) continue;
    store<i32>(SAID_STATS, said);
    return byte === CLOSE_BRACE ? at + 1 : 0;
  }
}
