/**
 * The join by prediction id of records that stand in a batch, as scanned_join.ts does it with one record: an entry is written as the
 * JSON that goes to the changelog. Whatever is not as usual is left to others, without a trace.
 */

import { ENDS, KIND, PREDICTION, SAID, SAID_STATS, STARTS, STATS, TIME_MS } from '../../messages/scan/layout';
import { BACKSLASH, byteAt, CLOSE_BRACE, CLOSE_BRACKET, QUOTE, ZERO } from '../../messages/scan/wasm/bytes';
import { behindRecord } from '../../messages/scan/wasm/scanner';
import { DONE, ENTRIES_FULL, OVER_ALL, UNUSUAL } from '../columns_layout';
import {
  ADDED,
  CLOSES_SEEN,
  DEPLOYMENT_ID,
  DUPLICATES,
  EVENT_CLOSES,
  EVENT_FOLLOWS,
  EVENT_ID,
  EVENT_OPENS,
  EXPIRES,
  FIRST_WAITING_PREFIX,
  HAS_FEEDBACK,
  JOINS,
  KEEP_MS,
  KEPT_FIELDS,
  LATENCY_FIELD,
  LOAD_FIELD,
  MARK_SHIFT,
  MODEL_VERSION,
  NEXT_SEEN,
  OPENS_DEPLOYMENT,
  OPENS_LATENCY,
  OPENS_LOAD,
  OPENS_MODEL,
  OPENS_SEEN,
  OPENS_STATS,
  PARTITION,
  PARTITIONS,
  PENDING,
  PREDICTED,
  PREDICTED_AT,
  PREDICTED_MAX,
  PREDICTION_ID,
  PREDICTION_PREFIX,
  PREFIX_BYTES,
  QUEUE_PREFIX,
  SEEN_MAX,
  SOURCE,
  SOURCE_COUNT,
  SOURCE_WORD_BYTES,
  SOURCE_WORDS,
  STATS_FIELD,
  WAIT_MS,
} from '../entries_layout';
import { add, addJoinable, fit } from './columns';
import { copyAhead, isSame } from './copy';
import {
  addEntry,
  changeEntry,
  countOf,
  expiry,
  findEntry,
  hasEntryRoom,
  keyBytes,
  moveEntry,
  notes,
  pushTo,
  scratch,
  setNotes,
  valueAt,
  valueBytes,
} from './entries';
import { watermark } from './event_time';
import { murmur2 } from './murmur2';

/** Of Kafka's partitioner. */
const KAFKA_SEED: u32 = 0x9747b28c;
/** Of every time from 2001 to 2286. */
const TIME_DIGITS: i32 = 13;
const FIRST_USUAL_MS: f64 = 1e12;
const LAST_USUAL_MS: f64 = 1e13;
const HALF: u64 = 10_000_000;

/** Takes the record in hand, which was scanned. */
export function takeJoined(): i32 {
  if (!isSaid(PREDICTION_ID) || !isAtHome()) return UNUSUAL;
  return load<i32>(KIND) === PREDICTION ? takePrediction() : takeFeedback();
}

function isSaid(field: i32): bool {
  return (load<i32>(SAID) & (1 << load<i32>(field))) !== 0;
}

function startOf(field: i32): usize {
  return <usize>load<i32>(STARTS + 4 * load<i32>(field));
}

function bytesOf(field: i32): i32 {
  return load<i32>(ENDS + 4 * load<i32>(field)) - load<i32>(STARTS + 4 * load<i32>(field));
}

function isAtHome(): bool {
  const hash = murmur2(startOf(PREDICTION_ID), bytesOf(PREDICTION_ID), KAFKA_SEED);
  return <i32>(hash & 0x7fffffff) % load<i32>(PARTITIONS) === load<i32>(PARTITION);
}

function putWord(to: usize, word: i32): usize {
  return copyAhead(to, <usize>load<i32>(word), load<i32>(word, 4));
}

function wordBytes(word: i32): i32 {
  return load<i32>(word, 4);
}

function isWord(at: usize, word: i32): bool {
  return isSame(at, <usize>load<i32>(word), load<i32>(word, 4));
}

function putField(to: usize, field: i32): usize {
  return copyAhead(to, startOf(field), bytesOf(field));
}

/** Of the prediction id in hand, into the scratch; returns how long it is. */
function writeKey(prefix: i32): i32 {
  const key = scratch();
  return <i32>(putField(putWord(key + load<i32>(PREFIX_BYTES), prefix), PREDICTION_ID) - key);
}

/** As `eventKey` of join_state.ts: ids that were scanned have nothing in them that JSON would escape. */
function writeEventKey(): i32 {
  const key = scratch();
  let at = putField(putWord(key + load<i32>(PREFIX_BYTES), EVENT_OPENS), PREDICTION_ID);
  at = putField(putWord(at, EVENT_FOLLOWS), EVENT_ID);
  return <i32>(putWord(at, EVENT_CLOSES) - key);
}

/** What keys of a kind begin with. */
function countBeginning(prefix: i32): i32 {
  return countOf(byteAt(load<i32>(prefix)));
}

function increment(counter: i32): void {
  store<i32>(counter, load<i32>(counter) + 1);
}

function takePrediction(): i32 {
  if (isAwaited()) return UNUSUAL;
  const key_bytes = writeKey(PREDICTION_PREFIX);
  const known = findEntry(key_bytes);
  if (known >= 0) {
    if (expiry(known) <= watermark()) return UNUSUAL;
    increment(DUPLICATES);
    return DONE;
  }
  const expires_ms = load<f64>(TIME_MS) + load<f64>(KEEP_MS);
  if (!isUsualTime(load<f64>(TIME_MS)) || !isUsualTime(expires_ms)) return UNUSUAL;
  const size_bytes = predictionBytes();
  if (!hasEntryRoom(key_bytes + size_bytes)) return ENTRIES_FULL;
  const fits = fit();
  if (fits !== DONE) return fits;
  const counted = addJoinable();
  if (counted !== DONE) return counted;
  // Its slice is open now.
  if (load<i32>(OVER_ALL) !== 0) add();
  const entry = addEntry(key_bytes, size_bytes, expires_ms);
  const mark = writePrediction(valueAt(entry), expires_ms);
  setNotes(entry, (2 * mark) << MARK_SHIFT);
  changeEntry(entry);
  pushTo(ADDED, entry);
  increment(PENDING);
  return DONE;
}

/** Feedback has come before it. */
function isAwaited(): bool {
  if (countBeginning(FIRST_WAITING_PREFIX) === 0) return false;
  if (countBeginning(QUEUE_PREFIX) > 0 && findEntry(writeKey(QUEUE_PREFIX)) >= 0) return true;
  return findEntry(writeKey(FIRST_WAITING_PREFIX)) >= 0;
}

function isUsualTime(time_ms: f64): bool {
  return time_ms >= FIRST_USUAL_MS && time_ms < LAST_USUAL_MS && floor(time_ms) === time_ms;
}

function sourceWord(source: i32): i32 {
  return SOURCE_WORDS + source * SOURCE_WORD_BYTES;
}

function memberBytes(word: i32, field: i32): i32 {
  return isSaid(field) ? wordBytes(word) + bytesOf(field) : 0;
}

/** Up to what was predicted. */
function headBytes(source: i32): i32 {
  return wordBytes(EXPIRES) + wordBytes(sourceWord(source)) + 2 * TIME_DIGITS + wordBytes(PREDICTED);
}

function predictionBytes(): i32 {
  return (
    headBytes(load<i32>(SOURCE)) +
    wordBytes(OPENS_DEPLOYMENT) +
    bytesOf(DEPLOYMENT_ID) +
    wordBytes(OPENS_MODEL) +
    bytesOf(MODEL_VERSION) +
    1 +
    memberBytes(OPENS_STATS, STATS_FIELD) +
    memberBytes(OPENS_LATENCY, LATENCY_FIELD) +
    memberBytes(OPENS_LOAD, LOAD_FIELD) +
    2
  );
}

/** As EntryWriter of join_entry.ts. Returns where in it stands what was predicted. */
function writePrediction(start: usize, expires_ms: f64): i32 {
  let at = putTime(putWord(start, EXPIRES), expires_ms);
  at = putTime(putWord(at, sourceWord(load<i32>(SOURCE))), load<f64>(TIME_MS));
  at = putWord(at, PREDICTED);
  const mark = <i32>(at - start);
  at = putField(putWord(at, OPENS_DEPLOYMENT), DEPLOYMENT_ID);
  at = putField(putWord(at, OPENS_MODEL), MODEL_VERSION);
  store<u8>(at++, QUOTE);
  at = putMember(at, OPENS_STATS, STATS_FIELD);
  at = putMember(at, OPENS_LATENCY, LATENCY_FIELD);
  at = putMember(at, OPENS_LOAD, LOAD_FIELD);
  store<u8>(at, CLOSE_BRACE);
  store<u8>(at, CLOSE_BRACE, 1);
  return mark;
}

function putMember(to: usize, word: i32, field: i32): usize {
  return isSaid(field) ? putField(putWord(to, word), field) : to;
}

function putTime(to: usize, time_ms: f64): usize {
  const time = <u64>time_ms;
  putDigits(to, <u32>(time / HALF), 6);
  putDigits(to + 6, <u32>(time % HALF), 7);
  return to + TIME_DIGITS;
}

function putDigits(to: usize, value: u32, digits: i32): void {
  let rest = value;
  for (let at = digits - 1; at >= 0; at--) {
    store<u8>(to + at, ZERO + <i32>(rest % 10));
    rest /= 10;
  }
}

function takeFeedback(): i32 {
  const has_event = isSaid(EVENT_ID);
  if (has_event && countBeginning(EVENT_OPENS) > 0 && findEntry(writeEventKey()) >= 0) return UNUSUAL;
  const known = findEntry(writeKey(PREDICTION_PREFIX));
  if (known < 0 || expiry(known) <= watermark()) return UNUSUAL;
  const mark = notes(known) >> MARK_SHIFT;
  const source = mark === 0 ? -1 : sourceOf(known, mark >> 1);
  if (source < 0) return UNUSUAL;
  const has_feedback = (mark & 1) !== 0;
  const behind = takeOver(known, mark >> 1);
  if (behind === 0) return UNUSUAL;
  let seen = 0;
  if (has_event) {
    seen = seenEvents(behind, valueAt(known) + valueBytes(known), has_feedback);
    if (seen === SEEN_BEFORE) {
      increment(DUPLICATES);
      return DONE;
    }
    if (seen < 0 || seen >= load<i32>(SEEN_MAX)) return UNUSUAL;
  }
  const predicted_ms = expiry(known) - load<f64>(KEEP_MS);
  if (abs(load<f64>(TIME_MS) - predicted_ms) > load<f64>(WAIT_MS)) return UNUSUAL;
  const changes = has_event || !has_feedback;
  const size_bytes = changes ? valueBytes(known) + answerBytes(has_event, has_feedback, seen) : 0;
  if (changes && !hasEntryRoom(keyBytes(known) + size_bytes)) return ENTRIES_FULL;
  const fits = fit();
  if (fits !== DONE) return fits;
  const counted = add();
  if (counted !== DONE) return counted;
  increment(JOINS);
  if (!has_feedback) increment(sourceWord(source) + 8);
  if (changes) answer(known, size_bytes, has_event, has_feedback, seen);
  return DONE;
}

/** By the word behind the first time of an entry; -1: none of those that are known. */
function sourceOf(entry: i32, place: i32): i32 {
  const at = valueAt(entry) + wordBytes(EXPIRES) + TIME_DIGITS;
  const sources = load<i32>(SOURCE_COUNT);
  for (let source = 0; source < sources; source++)
    if (headBytes(source) === place && isWord(at, sourceWord(source))) return source;
  return -1;
}

/**
 * What the entry of a prediction says of it, into the record in hand, which is feedback on it: what feedback brings itself
 * stays. Returns where in the entry the predicted ends; 0: it is unusual.
 */
function takeOver(entry: i32, place: i32): usize {
  const start = valueAt(entry) + place;
  const size_bytes = valueBytes(entry) - place;
  if (size_bytes > PREDICTED_MAX) return 0;
  const said = load<i32>(SAID);
  const said_stats = load<i32>(SAID_STATS);
  const some = v128.load(STATS);
  const others = v128.load(STATS, 16);
  const at = load<i32>(PREDICTED_AT);
  copyAhead(at, start, size_bytes);
  const behind = behindRecord(at, at + size_bytes);
  if (behind === 0) return 0;
  store<i32>(SAID, load<i32>(SAID) | (said & load<i32>(KEPT_FIELDS)));
  if (said_stats !== 0) {
    store<i32>(SAID_STATS, said_stats);
    v128.store(STATS, some);
    v128.store(STATS, others, 16);
  }
  return start + (behind - at);
}

const SEEN_BEFORE: i32 = -1;
const UNREADABLE: i32 = -2;

/** How many events of feedback the entry has kept, from behind what was predicted on; or that this one is among them. */
function seenEvents(from: usize, end: usize, has_feedback: bool): i32 {
  let at = from;
  let seen = 0;
  let is_seen = false;
  if (has_feedback) {
    if (!isWord(at, HAS_FEEDBACK)) return UNREADABLE;
    at += wordBytes(HAS_FEEDBACK);
  }
  if (isWord(at, OPENS_SEEN)) {
    at += wordBytes(OPENS_SEEN);
    while (true) {
      const start = at;
      while (at < end && load<u8>(at) !== QUOTE && load<u8>(at) !== BACKSLASH) at++;
      if (at >= end || load<u8>(at) !== QUOTE) return UNREADABLE;
      const size_bytes = <i32>(at - start);
      if (size_bytes === bytesOf(EVENT_ID) && isSame(start, startOf(EVENT_ID), size_bytes)) is_seen = true;
      seen++;
      at++;
      if (!isWord(at, NEXT_SEEN)) break;
      at += wordBytes(NEXT_SEEN);
    }
    if (load<u8>(at++) !== CLOSE_BRACKET) return UNREADABLE;
  }
  if (at !== end - 1 || load<u8>(at) !== CLOSE_BRACE) return UNREADABLE;
  return is_seen ? SEEN_BEFORE : seen;
}

/** How many bytes the end of an entry loses before more is written: its brace, and the bracket of what was seen. */
function cutBytes(has_event: bool, seen: i32): i32 {
  return has_event && seen > 0 ? 2 : 1;
}

/** By how much an entry grows. */
function answerBytes(has_event: bool, has_feedback: bool, seen: i32): i32 {
  const joined = has_feedback ? 0 : wordBytes(HAS_FEEDBACK);
  const opens = seen > 0 ? NEXT_SEEN : OPENS_SEEN;
  const event = has_event ? wordBytes(opens) + bytesOf(EVENT_ID) + wordBytes(CLOSES_SEEN) : 0;
  return joined + event + 1 - cutBytes(has_event, seen);
}

/** As `withFeedback` of join_entry.ts. */
function answer(entry: i32, size_bytes: i32, has_event: bool, has_feedback: bool, seen: i32): void {
  const former = valueAt(entry);
  const former_bytes = valueBytes(entry);
  moveEntry(entry, size_bytes);
  let at = copyAhead(valueAt(entry), former, former_bytes - cutBytes(has_event, seen));
  if (!has_feedback) at = putWord(at, HAS_FEEDBACK);
  if (has_event) {
    at = putField(putWord(at, seen > 0 ? NEXT_SEEN : OPENS_SEEN), EVENT_ID);
    at = putWord(at, CLOSES_SEEN);
  }
  store<u8>(at, CLOSE_BRACE);
  setNotes(entry, notes(entry) | (1 << MARK_SHIFT));
  changeEntry(entry);
}
