/**
 * A store in memory whose entries expire. There may be millions of them, most of which are never asked for again: so they are
 * kept as bytes, as they go to the changelog, where no garbage collector has to look at them. Who knows the bytes reads
 * and writes them in place (`EntryBytes`); everybody else gets objects.
 */
import type { Expiring } from '../actors/actor.ts';
import { IS_CHANGED, IS_GONE, MARK_SHIFT } from '../actors/entries_layout.ts';
import type { RegionMemory } from '../actors/region_memory.ts';
import type { BatchWriter } from '../wire/batch_writer.ts';
import { ByteEntries, NONE } from './byte_entries.ts';
import { ExpiryQueue } from './expiry_queue.ts';
import type { PackedRecords } from './packed_records.ts';
import type { ByteTable } from './table.ts';

export class ExpiringByteTable implements ByteTable {
  readonly #entries: ByteEntries;
  /** `{store}/`, with which every key begins. */
  readonly #prefix_bytes: number;
  /** Of slots. */
  readonly #expiry = new ExpiryQueue<number>(
    (slot) => this.#entries.expiry(slot),
    (a, b) => Buffer.compare(this.#entries.keyOf(a), this.#entries.keyOf(b)),
  );
  /** Handed out as deleted: free once whoever has them is done with them. */
  #gone: number[] = [];
  #found = NONE;

  constructor(name: string) {
    const prefix = `${name}/`;
    this.#entries = new ByteEntries(prefix);
    this.#prefix_bytes = Buffer.byteLength(prefix);
  }

  get size(): number {
    return this.#entries.size;
  }

  get changed(): number {
    return this.#entries.changes;
  }

  // As bytes.

  find(key: Buffer, key_end: number): boolean {
    return this.#isFound(this.#entries.find(key, key_end));
  }

  countOf(first_byte: number): number {
    return this.#entries.countOf(first_byte);
  }

  get bytes(): Buffer {
    return this.#entries.bytes;
  }

  get view(): DataView {
    return this.#entries.memory.view;
  }

  get key_start(): number {
    return this.#entries.keyStart(this.#found) + this.#prefix_bytes;
  }

  get value_start(): number {
    return this.#entries.valueStart(this.#found);
  }

  get value_end(): number {
    return this.#entries.valueEnd(this.#found);
  }

  get expires_ms(): number {
    return this.#entries.expiry(this.#found);
  }

  get mark(): number {
    return this.#entries.notes(this.#found) >> MARK_SHIFT;
  }

  set mark(mark: number) {
    const bits = this.#withoutMark(this.#found);
    this.#entries.setNotes(this.#found, bits | (mark << MARK_SHIFT));
  }

  add(key: Buffer, key_end: number, value: Buffer, value_end: number, expires_ms: number): void {
    const slot = this.#entries.add(key, key_end, value, value_end, expires_ms);
    this.#expiry.add(slot, expires_ms);
    this.#entries.change(slot);
    this.#isFound(slot);
  }

  replace(value: Buffer, value_end: number): void {
    this.#entries.replace(this.#found, value, value_end);
    this.#entries.change(this.#found);
  }

  get memory(): RegionMemory {
    return this.#entries.memory;
  }

  makeRoom(): void {
    this.#entries.makeRoom();
  }

  admit(): void {
    for (const slot of this.#entries.takeAdded()) this.#expiry.add(slot, this.#entries.expiry(slot));
  }

  findDue(until_ms: number): boolean {
    return this.#isFound(this.#expiry.first(until_ms) ?? NONE);
  }

  remove(): void {
    this.#entries.remove(this.#found);
  }

  // As objects.

  get(key: string): unknown {
    const slot = this.#entries.findText(key);
    return slot === NONE ? undefined : this.#valueOf(slot);
  }

  put(key: string, value: unknown): unknown {
    return this.#put(key, value === undefined ? undefined : JSON.stringify(value));
  }

  revert(key: string, former: unknown): void {
    this.#put(key, former as string | undefined);
  }

  *entries(prefix: string): Iterable<[string, unknown]> {
    for (const slot of this.#entries.slots()) {
      const key = this.#keyOf(slot);
      if (key.startsWith(prefix) && (this.#entries.notes(slot) & IS_GONE) === 0)
        yield [key, this.#valueOf(slot)];
    }
  }

  firstDue(until_ms: number): [string, Expiring] | undefined {
    const slot = this.#expiry.first(until_ms);
    return slot === undefined ? undefined : [this.#keyOf(slot), this.#valueOf(slot) as Expiring];
  }

  takePacked(): PackedRecords {
    for (const slot of this.#gone) this.#entries.release(slot);
    this.#gone = [];
    const taken = this.#entries.takeChanged();
    const is_gone = taken.map((slot) => this.#entries.notes(slot) & IS_GONE);
    for (const [index, slot] of taken.entries()) {
      this.#entries.setNotes(slot, this.#entries.notes(slot) & ~IS_CHANGED);
      if (is_gone[index] !== 0) this.#gone.push(slot);
    }
    return new TakenEntries(this.#entries, taken, is_gone);
  }

  restore(key: string, json: string | null): void {
    const slot = this.#entries.findText(key);
    if (slot !== NONE) {
      this.#entries.forget(slot);
      this.#entries.release(slot);
    }
    if (json !== null) this.#insert(key, json);
  }

  /** Returns the JSON that was there before. */
  #put(key: string, json: string | undefined): string | undefined {
    const slot = this.#entries.findText(key);
    const former = slot === NONE ? undefined : this.#entries.valueOf(slot).toString('utf8');
    if (json === undefined) {
      if (slot !== NONE) this.#entries.remove(slot);
      return former;
    }
    if (slot === NONE) {
      this.#entries.change(this.#insert(key, json));
      return former;
    }
    const value = Buffer.from(json);
    this.#entries.replace(slot, value, value.length);
    this.#entries.change(slot);
    const expires_ms = expiryOf(json);
    if (this.#entries.expiry(slot) !== expires_ms) {
      this.#entries.setExpiry(slot, expires_ms);
      this.#expiry.add(slot, expires_ms);
    }
    this.#entries.setNotes(slot, this.#withoutMark(slot));
    return former;
  }

  #insert(key: string, json: string): number {
    const expires_ms = expiryOf(json);
    const slot = this.#entries.addText(key, Buffer.from(json), expires_ms);
    this.#expiry.add(slot, expires_ms);
    return slot;
  }

  #withoutMark(slot: number): number {
    return this.#entries.notes(slot) & (IS_CHANGED | IS_GONE);
  }

  #isFound(slot: number): boolean {
    this.#found = slot;
    return slot !== NONE;
  }

  #keyOf(slot: number): string {
    const start = this.#entries.keyStart(slot) + this.#prefix_bytes;
    return this.#entries.bytes.toString('utf8', start, this.#entries.valueStart(slot));
  }

  #valueOf(slot: number): unknown {
    return JSON.parse(this.#entries.valueOf(slot).toString('utf8'));
  }
}

/** Entries as records of the changelog; of those that are gone their keys. */
class TakenEntries implements PackedRecords {
  readonly #entries: ByteEntries;
  readonly #slots: Int32Array;
  /** 0: it is still there. */
  readonly #is_gone: Int32Array;

  constructor(entries: ByteEntries, slots: Int32Array, is_gone: Int32Array) {
    this.#entries = entries;
    this.#slots = slots;
    this.#is_gone = is_gone;
  }

  get length(): number {
    return this.#slots.length;
  }

  appendTo(batch: BatchWriter, index: number, headers: Buffer, timestamp_ms: number): boolean {
    const slot = this.#slots[index]!;
    const entries = this.#entries;
    const value_end = this.#is_gone[index] === 0 ? entries.valueEnd(slot) : -1;
    const at = { key_start: entries.keyStart(slot), key_end: entries.valueStart(slot), value_end };
    return batch.appendBytes(entries.bytes, at, headers, timestamp_ms);
  }

  at(index: number): { key: Buffer; value: Buffer | null } {
    const slot = this.#slots[index]!;
    const value = this.#is_gone[index] === 0 ? this.#entries.valueOf(slot) : null;
    return { key: this.#entries.keyOf(slot), value };
  }
}

const FIRST = '{"expires_ms":';
/** No time is longer. */
const TIME_CHARACTERS = 24;

/** Mostly it stands first, and nothing else has to be read for it. */
function expiryOf(json: string): number {
  return json.startsWith(FIRST)
    ? Number.parseFloat(json.slice(FIRST.length, FIRST.length + TIME_CHARACTERS))
    : (JSON.parse(json) as Expiring).expires_ms;
}
