/**
 * A map from keys to values, both bytes, outside of the garbage collector's reach: what actors/wasm/entries.ts keeps, as the
 * engine sees it. An entry is a slot, a small number.
 */
import * as AT from '../actors/entries_layout.ts';
import { EntriesMemory } from '../actors/entries_memory.ts';
import type { RegionMemory } from '../actors/region_memory.ts';

export const NONE = -1;

export class ByteEntries {
  readonly #prefix: Buffer;
  /** Most actors have no such entries. */
  #made: EntriesMemory | null = null;

  /** `prefix`: what all keys begin with, and is left out where they are asked for. */
  constructor(prefix = '') {
    this.#prefix = Buffer.from(prefix);
  }

  get #room(): EntriesMemory {
    this.#made ??= new EntriesMemory(this.#prefix);
    return this.#made;
  }

  get #memory(): RegionMemory {
    return this.#room.memory;
  }

  /** In which all of it lies; views of it are good until something is added. */
  get memory(): RegionMemory {
    return this.#memory;
  }

  /** Entries that can be found. */
  get size(): number {
    return this.#made ? this.#memory.int(AT.ENTRY_COUNT) : 0;
  }

  /** The slot of the key that stands in `key` up to `key_end`; NONE where there is none. */
  find(key: Uint8Array, key_end: number): number {
    return this.#memory.exports.findEntry(this.#putKey(key, key_end));
  }

  findText(key: string): number {
    return this.#memory.exports.findEntry(this.#putText(key));
  }

  /** Of a key that has none. */
  add(key: Uint8Array, key_end: number, value: Uint8Array, value_end: number, expires_ms: number): number {
    return this.#add(this.#putKey(key, key_end), value, value_end, expires_ms);
  }

  addText(key: string, value: Uint8Array, expires_ms: number): number {
    return this.#add(this.#putText(key), value, value.length, expires_ms);
  }

  /** Another value under the same key. */
  replace(slot: number, value: Uint8Array, value_end: number): void {
    this.#room.makeRoom(this.#int(slot, AT.ENTRY_KEY_BYTES) + value_end);
    this.#memory.exports.moveEntry(slot, value_end);
    this.#putValue(slot, value, value_end);
  }

  /** Room for what the memory's own join had no room for. */
  makeRoom(): void {
    this.#room.makeRoom(this.#memory.int(AT.NEEDED_BYTES));
  }

  change(slot: number): void {
    this.#memory.exports.changeEntry(slot);
  }

  /** The entry is not found any more, which is a change; its bytes stay until `release`. */
  remove(slot: number): void {
    this.#memory.exports.removeEntry(slot);
  }

  /** As `remove`, but no change. */
  forget(slot: number): void {
    this.#memory.exports.forgetEntry(slot);
  }

  release(slot: number): void {
    this.#memory.exports.releaseEntry(slot);
  }

  /** Slots that were changed, in the order in which they first were. */
  takeChanged(): Int32Array {
    return this.#taken(AT.CHANGED);
  }

  get changes(): number {
    return this.#made ? this.#memory.used(AT.CHANGED) : 0;
  }

  /** Slots that the memory's own join has added. */
  takeAdded(): Int32Array {
    return this.#taken(AT.ADDED);
  }

  countOf(first_byte: number): number {
    return this.#memory.ints[(this.#memory.base(AT.FIRST_BYTES) >>> 2) + first_byte]!;
  }

  /** All of the memory. */
  get bytes(): Buffer {
    return this.#memory.bytes;
  }

  keyStart(slot: number): number {
    return this.#int(slot, AT.ENTRY_AT) >>> 0;
  }

  /** Where the key ends, and the value begins. */
  valueStart(slot: number): number {
    return this.keyStart(slot) + this.#int(slot, AT.ENTRY_KEY_BYTES);
  }

  valueEnd(slot: number): number {
    return this.valueStart(slot) + this.#int(slot, AT.ENTRY_VALUE_BYTES);
  }

  /** Bits that are kept with a slot; 0 when it is added. */
  notes(slot: number): number {
    return this.#int(slot, AT.ENTRY_NOTES);
  }

  setNotes(slot: number, notes: number): void {
    this.#memory.ints[this.#place(slot, AT.ENTRY_NOTES) >>> 2] = notes;
  }

  /** NaN: it is gone. */
  expiry(slot: number): number {
    return this.#memory.doubles[this.#place(slot, AT.ENTRY_EXPIRES_MS) >>> 3]!;
  }

  setExpiry(slot: number, expires_ms: number): void {
    this.#memory.doubles[this.#place(slot, AT.ENTRY_EXPIRES_MS) >>> 3] = expires_ms;
  }

  /** Shares memory with the entry. */
  keyOf(slot: number): Buffer {
    return this.bytes.subarray(this.keyStart(slot), this.valueStart(slot));
  }

  /** Shares memory with the entry. */
  valueOf(slot: number): Buffer {
    return this.bytes.subarray(this.valueStart(slot), this.valueEnd(slot));
  }

  /** Slots of all entries. */
  slots(): number[] {
    const { ints } = this.#memory;
    const step = AT.ENTRY_PLACE_BYTES / 4;
    const first = this.#memory.base(AT.ENTRY_PLACES) >>> 2;
    const slots: number[] = [];
    for (let at = first; at < first + step * this.#memory.room(AT.ENTRY_PLACES); at += step)
      if (ints[at] !== 0) slots.push(ints[at]! - 1);
    return slots;
  }

  #add(key_bytes: number, value: Uint8Array, value_end: number, expires_ms: number): number {
    this.#room.makeRoom(key_bytes + value_end);
    const slot = this.#memory.exports.addEntry(key_bytes, value_end, expires_ms);
    this.#putValue(slot, value, value_end);
    return slot;
  }

  #putValue(slot: number, value: Uint8Array, value_end: number): void {
    const whole = value_end === value.length ? value : value.subarray(0, value_end);
    this.#memory.bytes.set(whole, this.valueStart(slot));
  }

  /** Into the scratch; returns how long the whole key is. */
  #putKey(key: Uint8Array, key_end: number): number {
    const start = this.#room.keyRoom(key_end);
    const { bytes } = this.#memory;
    for (let at = 0; at < key_end; at++) bytes[start + at] = key[at]!;
    return this.#prefix.length + key_end;
  }

  #putText(key: string): number {
    const most = 3 * key.length;
    const start = this.#room.keyRoom(most);
    // Without a length some versions of Node write nothing where 2 GB follow.
    return this.#prefix.length + this.#memory.bytes.write(key, start, most);
  }

  #taken(region: number): Int32Array {
    const first = this.#memory.base(region) >>> 2;
    const taken = this.#memory.ints.slice(first, first + this.#memory.used(region));
    this.#memory.setUsed(region, 0);
    return taken;
  }

  #int(slot: number, field: number): number {
    return this.#memory.ints[this.#place(slot, field) >>> 2]!;
  }

  #place(slot: number, field: number): number {
    return this.#memory.base(AT.ENTRIES) + slot * AT.ENTRY_BYTES_EACH + field;
  }
}
