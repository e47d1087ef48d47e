/**
 * Goes through the records of a batch (KIP-98, format 2) and takes each, joined or alone, until one is not as usual. The batch was
 * checked before: all lengths lead to where they should.
 */

import { FEEDBACK, KIND, TIME_MS } from '../../messages/scan/layout';
import { byteAt } from '../../messages/scan/wasm/bytes';
import { scan } from '../../messages/scan/wasm/scanner';
import {
  BASE_TIMESTAMP_MS,
  BEYOND,
  DONE,
  DUE_MS,
  HAS_OWN_TIMES,
  LAST_OFFSET_DELTA,
  LATENESS_MS,
  MAX_AHEAD_MS,
  MAX_RECORD_BYTES,
  NEXT_AT,
  OVER_ALL,
  TAKEN,
  UNUSUAL,
} from '../columns_layout';
import { IS_JOINED } from '../entries_layout';
import { add, fit } from './columns';
import { observe, watermark } from './event_time';
import { takeJoined } from './join';

export * from '../../messages/scan/wasm/scanner';
export * from './columns';
export {
  addEntry,
  changeEntry,
  enterAll,
  findEntry,
  forgetEntry,
  freePage,
  hasEntryRoom,
  moveEntry,
  releaseEntry,
  removeEntry,
} from './entries';

let position: i32 = 0;

/** Zig-zag, of 64 bits at most. */
function varint(): i64 {
  let value: u64 = 0;
  let shift: u64 = 0;
  while (true) {
    const byte = byteAt(position++);
    value |= (<u64>(byte & 0x7f)) << shift;
    if (byte < 0x80 || shift > 56) return <i64>(value >> 1) ^ -(<i64>value & 1);
    shift += 7;
  }
}

/**
 * The records from `start` on, `most` of them, of an input that ends at `end`. DONE: all of them were taken, or the watermark
 * has come to what is due; otherwise why the next one was not.
 */
export function takeRecords(start: i32, end: i32, most: i32): i32 {
  let at = start;
  let taken = 0;
  let result = DONE;
  while (taken < most) {
    position = at;
    const length = <i32>varint();
    const record_end = position + length;
    // The length may be cut off itself, and is then any.
    if (at >= end || position > end || record_end > end) {
      result = BEYOND;
      break;
    }
    position++; // its attributes are not used
    const timestamp_delta = <f64>varint();
    const offset_delta = <i32>varint();
    const key_bytes = <i32>varint();
    if (key_bytes > 0) position += key_bytes;
    const value_bytes = <i32>varint();
    result = takeValue(position, value_bytes, timestamp_delta);
    if (result !== DONE) break;
    taken++;
    at = record_end;
    store<i32>(LAST_OFFSET_DELTA, offset_delta);
    if (watermark() >= load<f64>(DUE_MS)) break;
  }
  store<i32>(TAKEN, taken);
  store<i32>(NEXT_AT, at);
  return result;
}

function takeValue(start: i32, size_bytes: i32, timestamp_delta: f64): i32 {
  if (size_bytes < 0 || size_bytes > load<i32>(MAX_RECORD_BYTES) || !scan(start, start + size_bytes))
    return UNUSUAL;
  const time_ms = load<f64>(TIME_MS);
  const written_ms = load<f64>(BASE_TIMESTAMP_MS) + (load<i32>(HAS_OWN_TIMES) !== 0 ? timestamp_delta : 0);
  if (written_ms < 0 || time_ms - written_ms > load<f64>(MAX_AHEAD_MS)) return UNUSUAL;
  if (time_ms < watermark() - load<f64>(LATENESS_MS)) return UNUSUAL;
  const result = load<i32>(IS_JOINED) !== 0 ? takeJoined() : takeAlone();
  if (result === DONE) observe(time_ms);
  return result;
}

function takeAlone(): i32 {
  const fits = fit();
  if (fits !== DONE) return fits;
  const is_counted = load<i32>(OVER_ALL) !== 0 || load<i32>(KIND) === FEEDBACK;
  return is_counted ? add() : DONE;
}
