/**
 * A map from keys to values, both bytes, outside of the garbage collector's reach: an entry is a slot, a small number,
 * found by an open-addressing hash table (murmur2, linear probing); key and value stand one behind the other in an arena.
 */
import { randomInt } from 'node:crypto';
import { grown } from '../actors/key_table.ts';
import { murmur2 } from '../wire/murmur2.ts';
import { ByteArena, type Page } from './byte_arena.ts';

export const NONE = -1;
const FIRST_SLOTS = 64;
const PLACE_WIDTH = 2;

/** What is known of a slot: all of it stands in one line of the processor's cache. */
const SLOT_WIDTH = 8;
const HASH = 0;
const PAGE = 1;
const OFFSET = 2;
const KEY_BYTES = 3;
const VALUE_BYTES = 4;
const NOTES = 5;
/** A double, in two of them. */
const EXPIRES_MS = 3;

export class ByteEntries {
  readonly #arena = new ByteArena();
  /** So that nobody can choose keys that get into each other's way. */
  readonly #seed = randomInt(2 ** 31);
  /** Slot + 1 and hash per place; 0: free. */
  #places = new Int32Array(2 * PLACE_WIDTH * FIRST_SLOTS);
  /** `SLOT_WIDTH` numbers per slot, side by side: to look at one is to wait for memory once. */
  #slots = new Int32Array(FIRST_SLOTS * SLOT_WIDTH);
  #free_slots: number[] = [];
  #used_slots = 0;
  #times = new Float64Array(this.#slots.buffer);
  /** Entries that can be found. */
  size = 0;

  /** The slot of the key that stands in `key` up to `key_end`; NONE where there is none. */
  find(key: Uint8Array, key_end: number): number {
    const places = this.#places;
    const hash = murmur2(key, 0, key_end, this.#seed);
    const last = places.length - PLACE_WIDTH;
    for (let place = (hash * PLACE_WIDTH) & last; ; place = (place + PLACE_WIDTH) & last) {
      const slot = places[place]! - 1;
      if (slot < 0) return NONE;
      if (places[place + 1] === hash && this.#isKey(slot, key, key_end)) return slot;
    }
  }

  /** Of a key that has none. */
  add(key: Buffer, key_end: number, value: Buffer, value_end: number): number {
    if (2 * PLACE_WIDTH * this.size >= this.#places.length) this.#growPlaces();
    const slot = this.#free_slots.pop() ?? this.#nextSlot();
    this.#slots[slot * SLOT_WIDTH + HASH] = murmur2(key, 0, key_end, this.#seed);
    this.#slots[slot * SLOT_WIDTH + NOTES] = 0;
    this.#store(slot, key, 0, key_end, value, value_end);
    this.#place(slot);
    this.size++;
    return slot;
  }

  /** Another value under the same key. */
  replace(slot: number, value: Buffer, value_end: number): void {
    const page = this.pageOf(slot);
    const key_bytes = this.#slots[slot * SLOT_WIDTH + KEY_BYTES]!;
    const size_bytes = key_bytes + this.#slots[slot * SLOT_WIDTH + VALUE_BYTES]!;
    this.#store(slot, page.bytes, this.#slots[slot * SLOT_WIDTH + OFFSET]!, key_bytes, value, value_end);
    this.#arena.release(page, size_bytes);
  }

  /** The entry is not found any more; its bytes stay until `release`. */
  remove(slot: number): void {
    const places = this.#places;
    const last = places.length - PLACE_WIDTH;
    let hole = (this.#slots[slot * SLOT_WIDTH + HASH]! * PLACE_WIDTH) & last;
    while (places[hole] !== slot + 1) hole = (hole + PLACE_WIDTH) & last;
    // What stands behind the hole moves into it where its own search would have come by.
    for (let place = (hole + PLACE_WIDTH) & last; places[place] !== 0; place = (place + PLACE_WIDTH) & last) {
      const wanted = (places[place + 1]! * PLACE_WIDTH) & last;
      if (((place - wanted) & last) < ((place - hole) & last)) continue;
      places[hole] = places[place]!;
      places[hole + 1] = places[place + 1]!;
      hole = place;
    }
    places[hole] = 0;
    this.size--;
  }

  release(slot: number): void {
    this.#arena.release(
      this.pageOf(slot),
      this.#slots[slot * SLOT_WIDTH + KEY_BYTES]! + this.#slots[slot * SLOT_WIDTH + VALUE_BYTES]!,
    );
    this.#free_slots.push(slot);
  }

  pageOf(slot: number): Page {
    return this.#arena.pages[this.#slots[slot * SLOT_WIDTH + PAGE]!]!;
  }

  keyStart(slot: number): number {
    return this.#slots[slot * SLOT_WIDTH + OFFSET]!;
  }

  /** Where the key ends, and the value begins. */
  valueStart(slot: number): number {
    return this.#slots[slot * SLOT_WIDTH + OFFSET]! + this.#slots[slot * SLOT_WIDTH + KEY_BYTES]!;
  }

  valueEnd(slot: number): number {
    return this.valueStart(slot) + this.#slots[slot * SLOT_WIDTH + VALUE_BYTES]!;
  }

  /** Bits that who uses the map keeps with a slot; 0 when it is added. */
  notes(slot: number): number {
    return this.#slots[slot * SLOT_WIDTH + NOTES]!;
  }

  setNotes(slot: number, notes: number): void {
    this.#slots[slot * SLOT_WIDTH + NOTES] = notes;
  }

  expiry(slot: number): number {
    return this.#times[(slot * SLOT_WIDTH) / 2 + EXPIRES_MS]!;
  }

  setExpiry(slot: number, expires_ms: number): void {
    this.#times[(slot * SLOT_WIDTH) / 2 + EXPIRES_MS] = expires_ms;
  }

  /** Shares memory with the entry. */
  keyOf(slot: number): Buffer {
    return this.pageOf(slot).bytes.subarray(this.keyStart(slot), this.valueStart(slot));
  }

  /** Shares memory with the entry. */
  valueOf(slot: number): Buffer {
    return this.pageOf(slot).bytes.subarray(this.valueStart(slot), this.valueEnd(slot));
  }

  /** Slots of all entries. Removing while iterating may pass over some. */
  slots(): number[] {
    const slots: number[] = [];
    for (let place = 0; place < this.#places.length; place += PLACE_WIDTH)
      if (this.#places[place] !== 0) slots.push(this.#places[place]! - 1);
    return slots;
  }

  #isKey(slot: number, key: Uint8Array, key_end: number): boolean {
    if (this.#slots[slot * SLOT_WIDTH + KEY_BYTES] !== key_end) return false;
    const { bytes } = this.pageOf(slot);
    const start = this.#slots[slot * SLOT_WIDTH + OFFSET]!;
    for (let at = 0; at < key_end; at++) if (bytes[start + at] !== key[at]) return false;
    return true;
  }

  /** `key` may stand in the arena itself. */
  #store(
    slot: number,
    key: Buffer,
    key_start: number,
    key_bytes: number,
    value: Buffer,
    value_bytes: number,
  ): void {
    const page = this.#arena.allocate(key_bytes + value_bytes);
    const { offset } = this.#arena;
    key.copy(page.bytes, offset, key_start, key_start + key_bytes);
    value.copy(page.bytes, offset + key_bytes, 0, value_bytes);
    this.#slots[slot * SLOT_WIDTH + PAGE] = page.number;
    this.#slots[slot * SLOT_WIDTH + OFFSET] = offset;
    this.#slots[slot * SLOT_WIDTH + KEY_BYTES] = key_bytes;
    this.#slots[slot * SLOT_WIDTH + VALUE_BYTES] = value_bytes;
  }

  #nextSlot(): number {
    const slot = this.#used_slots++;
    if ((slot + 1) * SLOT_WIDTH > this.#slots.length) {
      this.#slots = grown(this.#slots, SLOT_WIDTH);
      this.#times = new Float64Array(this.#slots.buffer);
    }
    return slot;
  }

  #place(slot: number): void {
    const places = this.#places;
    const hash = this.#slots[slot * SLOT_WIDTH + HASH]!;
    const last = places.length - PLACE_WIDTH;
    let place = (hash * PLACE_WIDTH) & last;
    while (places[place] !== 0) place = (place + PLACE_WIDTH) & last;
    places[place] = slot + 1;
    places[place + 1] = hash;
  }

  #growPlaces(): void {
    const slots = this.slots();
    this.#places = new Int32Array(this.#places.length * 2);
    for (const slot of slots) this.#place(slot);
  }
}
