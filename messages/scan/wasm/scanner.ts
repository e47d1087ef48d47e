/**
 * Reads the fields of a record off its bytes. Written in AssemblyScript, whose functions are those of WebAssembly: compiled
 * once for all threads, and fast from the first record on.
 *
 * What it takes, decode() takes; what it does not take may be bad or only unusual. What it read stands in its memory
 * (../layout.ts).
 */

import {
  ENDS,
  FEEDBACK,
  FIELD_KEYS,
  IS_EXPLICIT,
  KIND,
  LEAST,
  MOST,
  NEEDED_BY_FEEDBACK,
  NEEDED_BY_PREDICTION,
  NEEDED_STATS,
  NUMBERS,
  ONLY_FEEDBACK,
  ONLY_PREDICTION,
  PREDICTION,
  READINGS,
  SAID,
  SAID_STATS,
  STARTS,
  STAT_KEYS,
  STATS,
  TIME_MS,
} from '../layout';
import { byteAt, CLOSE_BRACE, COMMA, isSpace, OPEN_BRACE, OPEN_BRACKET, QUOTE } from './bytes';
import {
  behindObject,
  behindShape,
  behindSpace,
  behindText,
  behindValue,
  isEscaped,
  NULL,
  setEnd,
} from './json';
import { behindKey, foundKey, unknownKey } from './keys';
import { behindNumber, numberAt } from './numbers';
import { timeOfNumber, timeOfText } from './times';

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
  store<f64>(TIME_MS, NaN);
  return behindRecord(start, last + 1) === last + 1 && isComplete();
}

/** Tells its kind, and whether all is there that it needs. */
function isComplete(): bool {
  const said = load<i32>(SAID);
  const is_feedback = (said & load<i32>(ONLY_FEEDBACK)) !== 0;
  const is_prediction = (said & load<i32>(ONLY_PREDICTION)) !== 0;
  if (is_feedback && is_prediction) return false;
  store<i32>(KIND, is_feedback ? FEEDBACK : PREDICTION);
  const needed = load<i32>(is_feedback ? NEEDED_BY_FEEDBACK : NEEDED_BY_PREDICTION);
  return (said & needed) === needed;
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
      return behindTime(at);
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

function behindTime(at: i32): i32 {
  const is_text = byteAt(at) === QUOTE;
  const behind = is_text ? behindText(at + 1) : behindNumber(at);
  if (behind === 0) return 0;
  const time_ms = is_text ? timeOfText(at + 1, behind - 1) : timeOfNumber(numberAt(at, behind));
  store<f64>(TIME_MS, time_ms);
  return isNaN(time_ms) ? 0 : behind;
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
    const needed = load<i32>(NEEDED_STATS);
    return byte === CLOSE_BRACE && (said & needed) === needed ? at + 1 : 0;
  }
}
