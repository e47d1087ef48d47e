/**
 * A store in memory whose entries expire. There may be millions of them, most of which are never asked for again: so they are
 * kept as bytes, as they go to the changelog, where no garbage collector has to look at them. Who knows the bytes reads
 * and writes them in place (`EntryBytes`); everybody else gets objects.
 */
import type { Expiring } from '../actors/actor.ts';
import { grown } from '../actors/key_table.ts';
import type { BatchWriter } from '../wire/batch_writer.ts';
import type { Page } from './byte_arena.ts';
import { ByteEntries, NONE } from './byte_entries.ts';
import { ExpiryQueue } from './expiry_queue.ts';
import type { PackedRecords } from './packed_records.ts';
import type { ByteTable } from './table.ts';

/** What is known of a slot. */
const IS_CHANGED = 1;
const IS_GONE = 2;
/** Above them, the mark. */
const MARK_SHIFT = 2;

export class ExpiringByteTable implements ByteTable {
  /** `{store}/`, with which every key begins. */
  readonly #prefix: Buffer;
  readonly #entries = new ByteEntries();
  /** Of slots. */
  readonly #expiry = new ExpiryQueue<number>(
    (slot) => this.#entries.expiry(slot),
    (a, b) => Buffer.compare(this.#entries.keyOf(a), this.#entries.keyOf(b)),
  );
  /** Slots, in the order in which they were first changed. */
  #changed = new Int32Array(64);
  #changes = 0;
  /** Handed out as deleted: free once whoever has them is done with them. */
  #gone: number[] = [];
  #key: Buffer;
  /** Entries by the first byte of their key. */
  readonly #begin_with = new Uint32Array(256);
  #found = NONE;
  #page!: Page;

  constructor(name: string) {
    this.#prefix = Buffer.from(`${name}/`);
    this.#key = Buffer.alloc(1024);
    this.#prefix.copy(this.#key);
  }

  get size(): number {
    return this.#entries.size;
  }

  get changed(): number {
    return this.#changes;
  }

  // As bytes.

  find(key: Buffer, key_end: number): boolean {
    return this.#isFound(this.#entries.find(this.#whole(key, key_end), this.#prefix.length + key_end));
  }

  countOf(first_byte: number): number {
    return this.#begin_with[first_byte]!;
  }

  get bytes(): Buffer {
    return this.#page.bytes;
  }

  get view(): DataView {
    return this.#page.view;
  }

  get key_start(): number {
    return this.#entries.keyStart(this.#found) + this.#prefix.length;
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
    const notes = this.#entries.notes(this.#found) & (IS_CHANGED | IS_GONE);
    this.#entries.setNotes(this.#found, notes | (mark << MARK_SHIFT));
  }

  add(key: Buffer, key_end: number, value: Buffer, value_end: number, expires_ms: number): void {
    const whole_end = this.#prefix.length + key_end;
    this.#isFound(this.#add(this.#whole(key, key_end), whole_end, value, value_end, expires_ms));
    this.#change(this.#found);
  }

  replace(value: Buffer, value_end: number): void {
    this.#entries.replace(this.#found, value, value_end);
    this.#change(this.#found);
  }

  findDue(until_ms: number): boolean {
    return this.#isFound(this.#expiry.first(until_ms) ?? NONE);
  }

  remove(): void {
    this.#remove(this.#found);
  }

  // As objects.

  get(key: string): unknown {
    const slot = this.#slotOf(key);
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
    const taken = this.#changed.subarray(0, this.#changes);
    this.#changed = new Int32Array(taken.length + 64);
    this.#changes = 0;
    const is_gone = taken.map((slot) => this.#entries.notes(slot) & IS_GONE);
    for (const [index, slot] of taken.entries()) {
      this.#entries.setNotes(slot, this.#entries.notes(slot) & ~IS_CHANGED);
      if (is_gone[index] !== 0) this.#gone.push(slot);
    }
    return new TakenEntries(this.#entries, taken, is_gone);
  }

  restore(key: string, json: string | null): void {
    const slot = this.#slotOf(key);
    if (slot !== NONE) {
      this.#forget(slot);
      this.#entries.release(slot);
    }
    if (json !== null) this.#insert(key, json);
  }

  /** Returns the JSON that was there before. */
  #put(key: string, json: string | undefined): string | undefined {
    const slot = this.#slotOf(key);
    const former = slot === NONE ? undefined : this.#entries.valueOf(slot).toString('utf8');
    if (json === undefined) {
      if (slot !== NONE) this.#remove(slot);
      return former;
    }
    if (slot === NONE) {
      this.#change(this.#insert(key, json));
      return former;
    }
    const value = Buffer.from(json);
    this.#entries.replace(slot, value, value.length);
    this.#change(slot);
    const expires_ms = expiryOf(json);
    if (this.#entries.expiry(slot) !== expires_ms) this.#open(slot, expires_ms);
    this.#entries.setNotes(slot, this.#entries.notes(slot) & (IS_CHANGED | IS_GONE));
    return former;
  }

  #insert(key: string, json: string): number {
    const value = Buffer.from(json);
    const key_end = this.#encode(key);
    return this.#add(this.#key, key_end, value, value.length, expiryOf(json));
  }

  #add(key: Buffer, key_end: number, value: Buffer, value_end: number, expires_ms: number): number {
    const slot = this.#entries.add(key, key_end, value, value_end);
    if (key_end > this.#prefix.length) this.#begin_with[key[this.#prefix.length]!]!++;
    this.#open(slot, expires_ms);
    return slot;
  }

  #open(slot: number, expires_ms: number): void {
    this.#entries.setExpiry(slot, expires_ms);
    this.#expiry.add(slot, expires_ms);
  }

  #change(slot: number): void {
    const notes = this.#entries.notes(slot);
    if ((notes & IS_CHANGED) !== 0) return;
    this.#entries.setNotes(slot, notes | IS_CHANGED);
    if (this.#changes === this.#changed.length) this.#changed = grown(this.#changed, 1);
    this.#changed[this.#changes++] = slot;
  }

  /** Its bytes stay for the changelog. */
  #remove(slot: number): void {
    this.#forget(slot);
    this.#change(slot);
    this.#entries.setNotes(slot, this.#entries.notes(slot) | IS_GONE);
  }

  #forget(slot: number): void {
    const key_start = this.#entries.keyStart(slot) + this.#prefix.length;
    if (key_start < this.#entries.valueStart(slot))
      this.#begin_with[this.#entries.pageOf(slot).bytes[key_start]!]!--;
    this.#entries.remove(slot);
    this.#entries.setExpiry(slot, Number.NaN);
  }

  #isFound(slot: number): boolean {
    this.#found = slot;
    if (slot === NONE) return false;
    this.#page = this.#entries.pageOf(slot);
    return true;
  }

  #slotOf(key: string): number {
    const end = this.#encode(key);
    return this.#entries.find(this.#key, end);
  }

  #keyOf(slot: number): string {
    const { bytes } = this.#entries.pageOf(slot);
    const start = this.#entries.keyStart(slot) + this.#prefix.length;
    return bytes.toString('utf8', start, this.#entries.valueStart(slot));
  }

  #valueOf(slot: number): unknown {
    const { bytes } = this.#entries.pageOf(slot);
    return JSON.parse(bytes.toString('utf8', this.#entries.valueStart(slot), this.#entries.valueEnd(slot)));
  }

  /** Into `#key`, behind the prefix; returns where it ends. */
  #encode(key: string): number {
    this.#reserve(3 * key.length);
    return this.#prefix.length + this.#key.write(key, this.#prefix.length);
  }

  #whole(key: Buffer, key_end: number): Buffer {
    this.#reserve(key_end);
    const start = this.#prefix.length;
    for (let at = 0; at < key_end; at++) this.#key[start + at] = key[at]!;
    return this.#key;
  }

  #reserve(key_bytes: number): void {
    const needed = this.#prefix.length + key_bytes;
    if (needed <= this.#key.length) return;
    this.#key = Buffer.alloc(2 * needed);
    this.#prefix.copy(this.#key);
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
    return batch.appendBytes(entries.pageOf(slot).bytes, at, headers, timestamp_ms);
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
