/**
 * A map from keys to values, both bytes: an entry is a number, found by an open-addressing hash table (murmur2, linear probing); key
 * and value stand one behind the other in a page, which is used again once all that was put into it is released: meant for what
 * goes about in the order in which it came. Addresses are without a sign: there may be 4 GB.
 */

import {
  ARENA,
  CHANGED,
  ENTRIES,
  ENTRY_AT,
  ENTRY_BYTES_EACH,
  ENTRY_COUNT,
  ENTRY_EXPIRES_MS,
  ENTRY_KEY_BYTES,
  ENTRY_NOTES,
  ENTRY_PAGE,
  ENTRY_PLACE_BYTES,
  ENTRY_PLACES,
  ENTRY_SEED,
  ENTRY_VALUE_BYTES,
  FIRST_BYTES,
  FREE_ENTRIES,
  FREE_PAGES,
  IS_CHANGED,
  IS_GONE,
  NEEDED_BYTES,
  OPEN_AT,
  OPEN_PAGE,
  PAGE_BYTES_EACH,
  PAGE_LIVE,
  PAGE_NEXT,
  PAGE_PADDING,
  PAGE_SIZE,
  PREFIX_BYTES,
  SCRATCH,
} from '../entries_layout';
import { copyAhead, isSame } from './copy';
import { murmur2 } from './murmur2';
import { hasRoom, room, setUsed, used } from './regions';

const NONE: i32 = -1;

function address(region: i32): usize {
  return <usize>load<u32>(region);
}

export function scratch(): usize {
  return address(SCRATCH);
}

function at(entry: i32): usize {
  return address(ENTRIES) + <usize>entry * ENTRY_BYTES_EACH;
}

export function keyAt(entry: i32): usize {
  return <usize>load<u32>(at(entry), ENTRY_AT);
}

export function keyBytes(entry: i32): i32 {
  return load<i32>(at(entry), ENTRY_KEY_BYTES);
}

export function valueAt(entry: i32): usize {
  return keyAt(entry) + keyBytes(entry);
}

export function valueBytes(entry: i32): i32 {
  return load<i32>(at(entry), ENTRY_VALUE_BYTES);
}

export function notes(entry: i32): i32 {
  return load<i32>(at(entry), ENTRY_NOTES);
}

export function setNotes(entry: i32, bits: i32): void {
  store<i32>(at(entry), bits, ENTRY_NOTES);
}

export function expiry(entry: i32): f64 {
  return load<f64>(at(entry), ENTRY_EXPIRES_MS);
}

/** The entry of the key that stands in the scratch; -1: there is none. */
export function findEntry(key_bytes: i32): i32 {
  const key = scratch();
  const hash = murmur2(key, key_bytes, load<u32>(ENTRY_SEED));
  let place = firstPlace(hash);
  while (true) {
    const found = load<i32>(placeAt(place)) - 1;
    if (found < 0) return NONE;
    if (load<u32>(placeAt(place), 4) === hash && isKey(found, key, key_bytes)) return found;
    place = nextPlace(place);
  }
}

function isKey(entry: i32, key: usize, key_bytes: i32): bool {
  return keyBytes(entry) === key_bytes && isSame(keyAt(entry), key, key_bytes);
}

function firstPlace(hash: u32): i32 {
  return hash & (room(ENTRY_PLACES) - 1);
}

function nextPlace(place: i32): i32 {
  return (place + 1) & (room(ENTRY_PLACES) - 1);
}

function placeAt(place: i32): usize {
  return address(ENTRY_PLACES) + <usize>place * ENTRY_PLACE_BYTES;
}

function enter(entry: i32, hash: u32): void {
  let place = firstPlace(hash);
  while (load<i32>(placeAt(place)) !== 0) place = nextPlace(place);
  store<i32>(placeAt(place), entry + 1);
  store<u32>(placeAt(place), hash, 4);
}

/** From a smaller table that began at `from`. */
export function enterAll(from: usize, places: i32): void {
  for (let place = 0; place < places; place++) {
    const place_at = from + <usize>place * ENTRY_PLACE_BYTES;
    if (load<i32>(place_at) !== 0) enter(load<i32>(place_at) - 1, load<u32>(place_at, 4));
  }
}

/** Whether an entry of so many bytes can be added, or put in place of another. Who makes room asks for how many. */
export function hasEntryRoom(size_bytes: i32): bool {
  store<i32>(NEEDED_BYTES, size_bytes);
  const has_number = used(FREE_ENTRIES) > 0 || hasRoom(ENTRIES, 1);
  const has_place = 2 * load<i32>(ENTRY_COUNT) < room(ENTRY_PLACES);
  return has_number && has_place && hasPage(size_bytes + PAGE_PADDING);
}

/** Of the key that stands in the scratch and has none; its value is to be put where it is. */
export function addEntry(key_bytes: i32, value_bytes: i32, expires_ms: f64): i32 {
  const entry = takeNumber();
  const key = scratch();
  const hash = murmur2(key, key_bytes, load<u32>(ENTRY_SEED));
  const entry_at = at(entry);
  store<u32>(entry_at, hash);
  store<i32>(entry_at, 0, ENTRY_NOTES);
  store<f64>(entry_at, expires_ms, ENTRY_EXPIRES_MS);
  putKey(entry_at, key, key_bytes, value_bytes);
  enter(entry, hash);
  store<i32>(ENTRY_COUNT, load<i32>(ENTRY_COUNT) + 1);
  countFirst(entry_at, 1);
  return entry;
}

/** Room for another value of the entry; what it was stays where it was until the next is added. */
export function moveEntry(entry: i32, value_bytes: i32): void {
  const entry_at = at(entry);
  const page = load<i32>(entry_at, ENTRY_PAGE);
  const key_bytes = load<i32>(entry_at, ENTRY_KEY_BYTES);
  const size_bytes = key_bytes + load<i32>(entry_at, ENTRY_VALUE_BYTES);
  putKey(entry_at, <usize>load<u32>(entry_at, ENTRY_AT), key_bytes, value_bytes);
  releaseBytes(page, size_bytes);
}

function putKey(entry_at: usize, key: usize, key_bytes: i32, value_bytes: i32): void {
  const to = allocate(key_bytes + value_bytes);
  store<i32>(entry_at, load<i32>(OPEN_PAGE) - 1, ENTRY_PAGE);
  store<u32>(entry_at, <u32>to, ENTRY_AT);
  store<i32>(entry_at, key_bytes, ENTRY_KEY_BYTES);
  store<i32>(entry_at, value_bytes, ENTRY_VALUE_BYTES);
  copyAhead(to, key, key_bytes);
}

function takeNumber(): i32 {
  const free = used(FREE_ENTRIES);
  if (free > 0) {
    setUsed(FREE_ENTRIES, free - 1);
    return load<i32>(address(FREE_ENTRIES) + 4 * (<usize>free - 1));
  }
  const entry = used(ENTRIES);
  setUsed(ENTRIES, entry + 1);
  return entry;
}

/** By the first byte that is the key's own. */
function countFirst(entry_at: usize, by: i32): void {
  const prefix_bytes = load<i32>(PREFIX_BYTES);
  if (load<i32>(entry_at, ENTRY_KEY_BYTES) <= prefix_bytes) return;
  const first = load<u8>(<usize>load<u32>(entry_at, ENTRY_AT) + prefix_bytes);
  const count = address(FIRST_BYTES) + 4 * <usize>first;
  store<i32>(count, load<i32>(count) + by);
}

export function countOf(first_byte: i32): i32 {
  return load<i32>(address(FIRST_BYTES) + 4 * <usize>first_byte);
}

/** It goes to the changelog. */
export function changeEntry(entry: i32): void {
  const bits = notes(entry);
  if ((bits & IS_CHANGED) !== 0) return;
  setNotes(entry, bits | IS_CHANGED);
  pushTo(CHANGED, entry);
}

/** There is as much room as there are entries. */
export function pushTo(region: i32, entry: i32): void {
  const count = used(region);
  store<i32>(address(region) + 4 * <usize>count, entry);
  setUsed(region, count + 1);
}

/** It is not found any more; its bytes stay until `releaseEntry`. */
export function forgetEntry(entry: i32): void {
  const entry_at = at(entry);
  countFirst(entry_at, -1);
  store<f64>(entry_at, NaN, ENTRY_EXPIRES_MS);
  store<i32>(ENTRY_COUNT, load<i32>(ENTRY_COUNT) - 1);
  let hole = firstPlace(load<u32>(entry_at));
  while (load<i32>(placeAt(hole)) !== entry + 1) hole = nextPlace(hole);
  const last = room(ENTRY_PLACES) - 1;
  // What stands behind the hole moves into it where its own search would have come by.
  for (let place = nextPlace(hole); load<i32>(placeAt(place)) !== 0; place = nextPlace(place)) {
    const wanted = firstPlace(load<u32>(placeAt(place), 4));
    if (((place - wanted) & last) < ((place - hole) & last)) continue;
    store<u64>(placeAt(hole), load<u64>(placeAt(place)));
    hole = place;
  }
  store<i32>(placeAt(hole), 0);
}

/** As `forgetEntry`; the changelog is told. */
export function removeEntry(entry: i32): void {
  forgetEntry(entry);
  changeEntry(entry);
  setNotes(entry, notes(entry) | IS_GONE);
}

export function releaseEntry(entry: i32): void {
  const entry_at = at(entry);
  const size_bytes = load<i32>(entry_at, ENTRY_KEY_BYTES) + load<i32>(entry_at, ENTRY_VALUE_BYTES);
  releaseBytes(load<i32>(entry_at, ENTRY_PAGE), size_bytes);
  pushTo(FREE_ENTRIES, entry);
}

function pageAt(page: i32): usize {
  return address(ARENA) + <usize>page * PAGE_BYTES_EACH;
}

/** `hasPage` was asked. */
function allocate(size_bytes: i32): usize {
  const to = <usize>load<u32>(OPEN_AT);
  store<u32>(OPEN_AT, <u32>(to + size_bytes));
  const page_at = pageAt(load<i32>(OPEN_PAGE) - 1);
  store<i32>(page_at, load<i32>(page_at, PAGE_LIVE) + size_bytes, PAGE_LIVE);
  return to;
}

function releaseBytes(page: i32, size_bytes: i32): void {
  const page_at = pageAt(page);
  const live = load<i32>(page_at, PAGE_LIVE) - size_bytes;
  store<i32>(page_at, live, PAGE_LIVE);
  if (live > 0) return;
  if (page === load<i32>(OPEN_PAGE) - 1) store<u32>(OPEN_AT, load<u32>(page_at));
  else freePage(page);
}

export function freePage(page: i32): void {
  store<i32>(pageAt(page), load<i32>(FREE_PAGES), PAGE_NEXT);
  store<i32>(FREE_PAGES, page + 1);
}

/** Whether the open page has room for so many bytes, or another one can be opened that has. */
function hasPage(size_bytes: i32): bool {
  const open = load<i32>(OPEN_PAGE) - 1;
  if (open >= 0 && size_bytes <= bytesLeft(open)) return true;
  let before: usize = 0;
  for (let page = load<i32>(FREE_PAGES) - 1; page >= 0; ) {
    const page_at = pageAt(page);
    const next = load<i32>(page_at, PAGE_NEXT);
    if (load<i32>(page_at, PAGE_SIZE) >= size_bytes) {
      if (before === 0) store<i32>(FREE_PAGES, next);
      else store<i32>(before, next, PAGE_NEXT);
      openPage(page, open);
      return true;
    }
    before = page_at;
    page = next - 1;
  }
  return false;
}

function bytesLeft(open: i32): i32 {
  const page_at = pageAt(open);
  return load<i32>(page_at, PAGE_SIZE) - <i32>(load<u32>(OPEN_AT) - load<u32>(page_at));
}

function openPage(page: i32, former: i32): void {
  store<i32>(OPEN_PAGE, page + 1);
  store<u32>(OPEN_AT, load<u32>(pageAt(page)));
  if (former >= 0 && load<i32>(pageAt(former), PAGE_LIVE) === 0) freePage(former);
}
