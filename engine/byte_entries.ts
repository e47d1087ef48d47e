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

/** What is known of a slot; the rest of its numbers is unused, and keeps it within a line of the processor's cache. */
const SLOT_WIDTH = 8;
const HASH = 0;
const PAGE = 1;
const OFFSET = 2;
const KEY_BYTES = 3;
const VALUE_BYTES = 4;

export class ByteEntries {
  readonly #arena = new ByteArena();
  /** So that nobody can choose keys that get into each other's way. */
  readonly #seed = randomInt(2 ** 31);
  /** Slot + 1 per place; 0: free. */
  #places = new Int32Array(2 * FIRST_SLOTS);
  /** `SLOT_WIDTH` numbers per slot, side by side: to look at one is to wait for memory once. */
  #slots = new Int32Array(FIRST_SLOTS * SLOT_WIDTH);
  #free_slots: number[] = [];
  #used_slots = 0;
  /** Entries that can be found. */
  size = 0;

  /** The slot of the key that stands in `key` up to `key_end`; NONE where there is none. */
  find(key: Uint8Array, key_end: number): number {
    const hash = murmur2(key, 0, key_end, this.#seed);
    const mask = this.#places.length - 1;
    for (let place = hash & mask; ; place = (place + 1) & mask) {
      const slot = this.#places[place]! - 1;
      if (slot < 0) return NONE;
      if (this.#slots[slot * SLOT_WIDTH + HASH] === hash && this.#isKey(slot, key, key_end)) return slot;
    }
  }

  /** Of a key that has none. */
  add(key: Buffer, key_end: number, value: Buffer, value_end: number): number {
    if (2 * this.size >= this.#places.length) this.#growPlaces();
    const slot = this.#free_slots.pop() ?? this.#nextSlot();
    this.#slots[slot * SLOT_WIDTH + HASH] = murmur2(key, 0, key_end, this.#seed);
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
    const mask = places.length - 1;
    let hole = this.#slots[slot * SLOT_WIDTH + HASH]! & mask;
    while (places[hole] !== slot + 1) hole = (hole + 1) & mask;
    // What stands behind the hole moves into it where its own search would have come by.
    for (let place = (hole + 1) & mask; places[place] !== 0; place = (place + 1) & mask) {
      const wanted = this.#slots[(places[place]! - 1) * SLOT_WIDTH + HASH]! & mask;
      if (((place - wanted) & mask) < ((place - hole) & mask)) continue;
      places[hole] = places[place]!;
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
    for (const place of this.#places) if (place !== 0) slots.push(place - 1);
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
    if ((slot + 1) * SLOT_WIDTH > this.#slots.length) this.#slots = grown(this.#slots, SLOT_WIDTH);
    return slot;
  }

  #place(slot: number): void {
    const mask = this.#places.length - 1;
    let place = this.#slots[slot * SLOT_WIDTH + HASH]! & mask;
    while (this.#places[place] !== 0) place = (place + 1) & mask;
    this.#places[place] = slot + 1;
  }

  #growPlaces(): void {
    const slots = this.slots();
    this.#places = new Int32Array(this.#places.length * 2);
    for (const slot of slots) this.#place(slot);
  }
}
