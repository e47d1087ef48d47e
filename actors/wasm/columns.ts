/**
 * Sums of slices of windows, one slot per slice and key. A record is first asked whether it fits, and then added; both say
 * what they need first, and have then done nothing.
 */

import { ENDS, SAID, STARTS, TIME_MS } from '../../messages/scan/layout';
import { byteAt } from '../../messages/scan/wasm/bytes';
import {
  ASSUMED_RATING,
  ASSUMED_TIME_TO_ACTION,
  AT_HOME,
  BIN_CELLS,
  BIN_ENDS,
  BY_COUNT,
  BY_FIELDS,
  CELL_SHIFT,
  DONE,
  FULL,
  INPUT_MEAN,
  INPUT_STD,
  KEY_BYTES,
  KEY_ENTRY_BYTES,
  KEY_PLACES,
  KEY_SEPARATOR,
  KEYS,
  LARGEST_VALUE,
  LATENCY,
  MEASURE_COUNT,
  MEASURES,
  MOMENTS_WIDTH,
  NEW_KEY,
  NEW_SLICE,
  NOT_AT_HOME,
  PAGE_BINS,
  PAGES,
  PAGES_PER_ROW,
  PATTERN_BYTES,
  PATTERN_PART_MAX,
  PATTERN_PLACES,
  PATTERNS,
  RATING,
  RATING_BELOW,
  REGION_BYTES,
  ROWS,
  SLICE_MS,
  SLICES,
  SLOT_BYTES,
  SLOT_PLACES,
  SLOTS,
  SMALLEST_VALUE,
  SOURCE_BYTES,
  SOURCES,
  STEP_MS,
  STEPS,
  STEPS_PER_SLICE,
  SUM_EVENTS,
  SUM_INPUT_MEAN,
  SUM_LATENCY,
  SUM_LOW_RATINGS,
  SUM_MEASURES,
  SUM_SLOW_ACTIONS,
  SUMS,
  TIME_TO_ACTION,
  TIME_TO_ACTION_ABOVE,
  UNUSUAL,
} from '../columns_layout';
import { base, hasRoom, room, setUsed, used } from './regions';

const HOME: i32 = 12;
/** FNV-1a, 32 bit. Source: https://datatracker.ietf.org/doc/html/rfc9923 */
const FNV_OFFSET: u32 = 0x811c9dc5;
const FNV_PRIME: u32 = 0x01000193;
/** Knuth's multiplicative hashing: 2^32 / the golden ratio. */
const GOLDEN: u32 = 0x9e3779b1;

let key: i32 = 0;
let slice: i32 = -1;
let slice_start_ms: f64 = NaN;

/** Of the record in hand. */
export function keyInHand(): i32 {
  return key;
}

/** All slices and slots were taken away. */
export function begin(): void {
  slice = -1;
  slice_start_ms = NaN;
}

/** After there is more room. */
export function rehash(): void {
  for (let places = KEY_PLACES; places <= PATTERN_PLACES; places += REGION_BYTES)
    memory.fill(base(places), 0, 4 * room(places));
  for (let entry = 0; entry < used(KEYS); entry++)
    enter(KEY_PLACES, load<u32>(base(KEYS) + entry * KEY_ENTRY_BYTES), entry);
  for (let entry = 0; entry < used(SLOTS); entry++) {
    const at = base(SLOTS) + entry * SLOT_BYTES;
    enter(SLOT_PLACES, slotHash(load<i32>(at), load<i32>(at, 4)), entry);
  }
  for (let entry = 0; entry < used(PATTERNS); entry++) {
    const at = base(PATTERNS) + entry * PATTERN_BYTES;
    enter(PATTERN_PLACES, patternHash(load<i32>(at), load<f64>(at, 8)), entry);
  }
}

function enter(places: i32, hash: u32, entry: i32): void {
  let place = firstPlace(places, hash);
  while (load<i32>(placeAt(places, place)) !== 0) place = nextPlace(places, place);
  store<i32>(placeAt(places, place), entry + 1);
}

function firstPlace(places: i32, hash: u32): i32 {
  return <i32>(hash ^ (hash >> 15)) & (room(places) - 1);
}

function nextPlace(places: i32, place: i32): i32 {
  return (place + 1) & (room(places) - 1);
}

function placeAt(places: i32, place: i32): i32 {
  return base(places) + 4 * place;
}

function slotHash(of_key: i32, of_slice: i32): u32 {
  return (<u32>of_key * GOLDEN) ^ (<u32>of_slice * FNV_PRIME);
}

function patternHash(slot: i32, pattern: f64): u32 {
  const bits = reinterpret<u64>(pattern);
  return ((<u32>bits ^ <u32>(bits >> 32)) * GOLDEN) ^ (<u32>slot * FNV_PRIME);
}

/** Of the record in hand; NaN: absent. */
function numberOf(source: i32): f64 {
  const at = SOURCES + source * SOURCE_BYTES;
  return (load<i32>(load<i32>(at, 4)) & load<i32>(at, 8)) !== 0 ? load<f64>(load<i32>(at)) : NaN;
}

function numberOr(source: i32, assumed: i32): f64 {
  const value = numberOf(source);
  return isNaN(value) ? load<f64>(assumed) : value;
}

function hasBin(value: f64): bool {
  return value >= 0 && value <= load<f64>(LARGEST_VALUE);
}

/** Whether the record in hand can be added, as one of the key that is then in hand. */
export function fit(): i32 {
  if (!hasEveryRoom()) return FULL;
  return areValuesUsual() ? findKey() : UNUSUAL;
}

/** For all that one record can bring. */
function hasEveryRoom(): bool {
  const pages = load<i32>(MEASURE_COUNT) + 1;
  return (
    hasRoom(SLOTS, 1) &&
    hasRoom(KEYS, 1) &&
    hasRoom(SLICES, 1) &&
    hasRoom(PATTERNS, 1) &&
    hasRoom(PAGES, pages)
  );
}

function areValuesUsual(): bool {
  const mean = numberOf(INPUT_MEAN);
  if (!isNaN(mean)) {
    const most = load<f64>(PATTERN_PART_MAX);
    if (!(abs(mean) < most && abs(numberOf(INPUT_STD)) < most)) return false;
  }
  const latency_ms = numberOf(LATENCY);
  if (!isNaN(latency_ms) && !hasBin(latency_ms)) return false;
  const measures = load<i32>(MEASURE_COUNT);
  for (let measure = 0; measure < measures; measure++) {
    const value = numberOf(MEASURES + measure);
    if (!isNaN(value) && !hasBin(value)) return false;
  }
  return true;
}

/** The fields that make the key of the record in hand, as they stand in it. */
function findKey(): i32 {
  const fields = load<i32>(BY_COUNT);
  let hash = FNV_OFFSET;
  let size_bytes = 0;
  for (let index = 0; index < fields; index++) {
    const field = load<i32>(BY_FIELDS + 4 * index);
    if ((load<i32>(SAID) & (1 << field)) === 0) return UNUSUAL;
    const start = load<i32>(STARTS + 4 * field);
    const end = load<i32>(ENDS + 4 * field);
    for (let at = start; at < end; at++) hash = (hash ^ byteAt(at)) * FNV_PRIME;
    hash = (hash ^ KEY_SEPARATOR) * FNV_PRIME;
    size_bytes += end - start + 1;
  }
  let place = firstPlace(KEY_PLACES, hash);
  while (true) {
    const found = load<i32>(placeAt(KEY_PLACES, place)) - 1;
    if (found < 0) return addKey(place, hash, size_bytes);
    if (isKey(found, hash, size_bytes)) {
      key = found;
      return atHome(found);
    }
    place = nextPlace(KEY_PLACES, place);
  }
}

function atHome(found: i32): i32 {
  const home = load<i32>(base(KEYS) + found * KEY_ENTRY_BYTES, HOME);
  return home === AT_HOME ? DONE : home === NOT_AT_HOME ? UNUSUAL : NEW_KEY;
}

function isKey(candidate: i32, hash: u32, size_bytes: i32): bool {
  const entry = base(KEYS) + candidate * KEY_ENTRY_BYTES;
  if (load<u32>(entry) !== hash || load<i32>(entry, 8) !== size_bytes) return false;
  let known = base(KEY_BYTES) + load<i32>(entry, 4);
  const fields = load<i32>(BY_COUNT);
  for (let index = 0; index < fields; index++) {
    const field = load<i32>(BY_FIELDS + 4 * index);
    const end = load<i32>(ENDS + 4 * field);
    for (let at = load<i32>(STARTS + 4 * field); at < end; at++)
      if (byteAt(at) !== byteAt(known++)) return false;
    if (byteAt(known++) !== KEY_SEPARATOR) return false;
  }
  return true;
}

function addKey(place: i32, hash: u32, size_bytes: i32): i32 {
  if (!hasRoom(KEY_BYTES, size_bytes)) return FULL;
  const added = used(KEYS);
  const entry = base(KEYS) + added * KEY_ENTRY_BYTES;
  let at = used(KEY_BYTES);
  store<u32>(entry, hash);
  store<i32>(entry, at, 4);
  store<i32>(entry, size_bytes, 8);
  store<i32>(entry, 0, HOME);
  const fields = load<i32>(BY_COUNT);
  for (let index = 0; index < fields; index++) {
    const field = load<i32>(BY_FIELDS + 4 * index);
    const start = load<i32>(STARTS + 4 * field);
    const length = load<i32>(ENDS + 4 * field) - start;
    memory.copy(base(KEY_BYTES) + at, start, length);
    store<u8>(base(KEY_BYTES) + at + length, KEY_SEPARATOR);
    at += length + 1;
  }
  setUsed(KEY_BYTES, at);
  setUsed(KEYS, added + 1);
  store<i32>(placeAt(KEY_PLACES, place), added + 1);
  key = added;
  return NEW_KEY;
}

/** Adds the record that `fit` was asked about, as an event. */
export function add(): i32 {
  const slot = findSlot();
  if (slot < 0) return NEW_SLICE;
  const sums = sumsOf(slot);
  increment(sums, SUM_EVENTS);
  if (numberOr(RATING, ASSUMED_RATING) < load<f64>(RATING_BELOW)) increment(sums, SUM_LOW_RATINGS);
  if (numberOr(TIME_TO_ACTION, ASSUMED_TIME_TO_ACTION) > load<f64>(TIME_TO_ACTION_ABOVE))
    increment(sums, SUM_SLOW_ACTIONS);
  const mean = numberOf(INPUT_MEAN);
  if (!isNaN(mean)) {
    addMoments(sums, SUM_INPUT_MEAN, mean);
    addPattern(slot, mean, numberOf(INPUT_STD));
  }
  addValue(slot, SUM_LATENCY, 0, numberOf(LATENCY));
  const measures = load<i32>(MEASURE_COUNT);
  for (let measure = 0; measure < measures; measure++)
    addValue(slot, SUM_MEASURES + MOMENTS_WIDTH * measure, 1 + measure, numberOf(MEASURES + measure));
  return DONE;
}

/** As `add`, of a prediction; counts it by its step of time. */
export function addJoinable(): i32 {
  const slot = findSlot();
  if (slot < 0) return NEW_SLICE;
  const step_ms = load<f64>(STEP_MS);
  const step = floor(load<f64>(TIME_MS) / step_ms) - floor(slice_start_ms / step_ms);
  const at = base(STEPS) + 8 * (slot * load<i32>(STEPS_PER_SLICE) + <i32>step);
  store<f64>(at, load<f64>(at) + 1);
  return DONE;
}

/** -1: its slice is not open. */
function findSlot(): i32 {
  const time_ms = load<f64>(TIME_MS);
  if (!(time_ms >= slice_start_ms && time_ms < slice_start_ms + load<f64>(SLICE_MS)) && !findSlice(time_ms))
    return -1;
  let place = firstPlace(SLOT_PLACES, slotHash(key, slice));
  while (true) {
    const found = load<i32>(placeAt(SLOT_PLACES, place)) - 1;
    if (found < 0) return openSlot(place);
    const entry = base(SLOTS) + found * SLOT_BYTES;
    if (load<i32>(entry) === key && load<i32>(entry, 4) === slice) return found;
    place = nextPlace(SLOT_PLACES, place);
  }
}

function openSlot(place: i32): i32 {
  const slot = used(SLOTS);
  const entry = base(SLOTS) + slot * SLOT_BYTES;
  store<i32>(entry, key);
  store<i32>(entry, slice, 4);
  setUsed(SLOTS, slot + 1);
  store<i32>(placeAt(SLOT_PLACES, place), slot + 1);
  return slot;
}

/** The newest ones are asked for most. */
function findSlice(time_ms: f64): bool {
  const slice_ms = load<f64>(SLICE_MS);
  const start_ms = floor(time_ms / slice_ms) * slice_ms;
  for (let index = used(SLICES) - 1; index >= 0; index--)
    if (load<f64>(base(SLICES) + 8 * index) === start_ms) {
      slice = index;
      slice_start_ms = start_ms;
      return true;
    }
  return false;
}

function width(): i32 {
  return SUM_MEASURES + MOMENTS_WIDTH * load<i32>(MEASURE_COUNT);
}

function sumsOf(slot: i32): i32 {
  return base(SUMS) + 8 * slot * width();
}

function increment(sums: i32, index: i32): void {
  store<f64>(sums + 8 * index, load<f64>(sums + 8 * index) + 1);
}

function addMoments(sums: i32, index: i32, value: f64): void {
  const at = sums + 8 * index;
  store<f64>(at, load<f64>(at) + 1);
  store<f64>(at, load<f64>(at, 8) + value, 8);
  store<f64>(at, load<f64>(at, 16) + value * value, 16);
}

/** The bin of a value that is not negative, less the first: as `binOf` of distribution.ts, from tables that were made with it. */
function binOf(value: f64): i32 {
  const smallest = load<f64>(SMALLEST_VALUE);
  const counted = max(value, smallest);
  const cell = <i32>((reinterpret<u64>(counted) >> CELL_SHIFT) - (reinterpret<u64>(smallest) >> CELL_SHIFT));
  const ends = load<i32>(BIN_ENDS);
  let bin: i32 = load<u16>(load<i32>(BIN_CELLS) + 2 * cell);
  while (counted >= load<f64>(ends + 8 * bin)) bin++;
  return bin;
}

function addValue(slot: i32, index: i32, histogram: i32, value: f64): void {
  if (isNaN(value)) return;
  addMoments(sumsOf(slot), index, value);
  const bin = binOf(value);
  const pages_per_row = load<i32>(PAGES_PER_ROW);
  const row = slot * (1 + load<i32>(MEASURE_COUNT)) + histogram;
  const at = base(ROWS) + 4 * (row * pages_per_row + bin / PAGE_BINS);
  let page = load<i32>(at);
  if (page === 0) {
    page = used(PAGES) + 1;
    setUsed(PAGES, page);
    store<i32>(at, page);
  }
  const count = base(PAGES) + 4 * ((page - 1) * PAGE_BINS + (bin % PAGE_BINS));
  store<u32>(count, load<u32>(count) + 1);
}

/** Mean and deviation cut off to whole numbers, in one number. */
function addPattern(slot: i32, mean: f64, std: f64): void {
  const most = load<f64>(PATTERN_PART_MAX);
  const pattern = trunc(mean) * (2 * most) + trunc(std) + most;
  let place = firstPlace(PATTERN_PLACES, patternHash(slot, pattern));
  while (true) {
    const found = load<i32>(placeAt(PATTERN_PLACES, place)) - 1;
    if (found < 0) break;
    const entry = base(PATTERNS) + found * PATTERN_BYTES;
    if (load<i32>(entry) === slot && load<f64>(entry, 8) === pattern) {
      store<i32>(entry, load<i32>(entry, 4) + 1, 4);
      return;
    }
    place = nextPlace(PATTERN_PLACES, place);
  }
  const added = used(PATTERNS);
  const entry = base(PATTERNS) + added * PATTERN_BYTES;
  store<i32>(entry, slot);
  store<i32>(entry, 1, 4);
  store<f64>(entry, pattern, 8);
  setUsed(PATTERNS, added + 1);
  store<i32>(placeAt(PATTERN_PLACES, place), added + 1);
}
