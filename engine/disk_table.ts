/**
 * A store on disk. What changes stays in memory until the commit that holds it went through, and goes to disk with
 * many others; so what is on disk is committed, and reading asks the latest first:
 *
 * changed (since `takeChanged`) → taken (handed to a commit) → settled (committed) → written (on disk, kept because
 * what was changed lately is soon asked for) → disk.
 *
 * Values that expire lie in the order of their expiry, which is about the order in which they come: pages fill one
 * after the other and empty likewise. Only an index from key to expiry is in the order of keys.
 */
import type { Database } from 'lmdb';
import type { Expiring } from '../actors/actor.ts';
import {
  decodeEntry,
  duePlace,
  encodeKey,
  encodeValue,
  readTime,
  splitPlace,
  timeBytes,
} from './disk_key.ts';
import { DueReader } from './due_reader.ts';
import { ExpiryQueue } from './expiry_queue.ts';
import type { TextTable } from './table.ts';

/** In place of a value that was deleted. */
const GONE = Symbol('gone');

/** As it was written to the changelog; null for a deleted key. */
interface Kept {
  json: string | null;
  /** Undefined where it was not parsed yet. */
  value: unknown;
}

export interface TableFiles {
  /** By key, or by expiry and key. */
  entries: Database<string, Buffer>;
  /** Of a store whose entries expire: key → expiry. */
  index: Database<Buffer, Buffer> | null;
}

/** Runs what asks the disk; a failure is the store's, not the actor's that asked. */
export type Guard = <Value>(access: () => Value) => Value;

export class DiskTable implements TextTable {
  readonly #files: TableFiles;
  readonly #guard: Guard;
  #changed = new Map<string, unknown>();
  #taken = new Map<string, Kept>();
  #settled = new Map<string, Kept>();
  #written = new Map<string, Kept>();
  /** Of what is not on disk. */
  #expiry = this.#newQueue();
  readonly #due: DueReader | null;
  #on_disk: number;

  constructor(files: TableFiles, guard: Guard) {
    this.#files = files;
    this.#guard = guard;
    this.#due = files.index ? new DueReader(files.entries) : null;
    this.#on_disk = this.#count();
  }

  get size(): number {
    return this.#on_disk + this.#changed.size + this.#taken.size + this.#settled.size;
  }

  get changed(): number {
    return this.#changed.size;
  }

  /** How many changes wait to be written. */
  get settled(): number {
    return this.#settled.size;
  }

  get(key: string): unknown {
    const changed = this.#changed.get(key);
    if (changed !== undefined) return changed === GONE ? undefined : changed;
    const kept = this.#taken.get(key) ?? this.#settled.get(key) ?? this.#written.get(key);
    return kept ? parsed(kept) : this.#guard(() => this.#read(key));
  }

  put(key: string, value: unknown): unknown {
    const former = this.#changed.get(key);
    this.#changed.set(key, value === undefined ? GONE : value);
    if (this.#files.index && value !== undefined) this.#expiry.add(key, (value as Expiring).expires_ms);
    return former;
  }

  revert(key: string, former: unknown): void {
    if (former === undefined) this.#changed.delete(key);
    else this.#changed.set(key, former);
    if (!this.#files.index) return;
    // It may have been passed over in its turn.
    const value = this.#unwritten(key);
    if (value !== undefined) this.#expiry.add(key, (value as Expiring).expires_ms);
    this.#due?.rewind();
  }

  *entries(prefix: string): Iterable<[string, unknown]> {
    const unwritten = new Set<string>();
    for (const layer of [this.#changed, this.#taken, this.#settled])
      for (const key of layer.keys()) if (key.startsWith(prefix)) unwritten.add(key);
    for (const key of unwritten) {
      const value = this.get(key);
      if (value !== undefined) yield [key, value];
    }
    for (const { key, json } of this.#guard(() => [...this.#stored(prefix)])) {
      if (unwritten.has(key)) continue;
      // Deleted on the way.
      const value = this.#changed.has(key) ? this.get(key) : JSON.parse(json);
      if (value !== undefined) yield [key, value];
    }
  }

  firstDue(until_ms: number): [string, Expiring] | undefined {
    const unwritten = this.#expiry.first(until_ms);
    const first = unwritten === undefined ? undefined : (this.#unwritten(unwritten) as Expiring);
    const stored = this.#guard(() => this.#due?.first(until_ms, (key) => this.#isUnwritten(key)));
    if (!stored || (first && isBefore(first.expires_ms, unwritten!, stored))) {
      return first && [unwritten!, first];
    }
    return [stored.key, JSON.parse(stored.json)];
  }

  *takeChanged(): Iterable<[string, string | null]> {
    const changed = this.#changed;
    this.#changed = new Map();
    for (const [key, value] of changed) {
      const kept = value === GONE ? { json: null, value: undefined } : { json: JSON.stringify(value), value };
      this.#taken.set(key, kept);
      yield [key, kept.json];
    }
  }

  restore(key: string, json: string | null): void {
    this.#settled.set(key, { json, value: undefined });
  }

  /** What was taken is committed. */
  settle(): void {
    if (this.#settled.size === 0) this.#settled = this.#taken;
    else for (const [key, kept] of this.#taken) this.#settled.set(key, kept);
    this.#taken = new Map();
  }

  /** Within a transaction: what is settled goes to disk. */
  write(): void {
    for (const [key, { json, value }] of this.#settled) {
      if (this.#files.index) this.#writeExpiring(this.#files.index, key, json, value as Expiring | undefined);
      else {
        const bytes = encodeKey(key);
        if (json === null) this.#files.entries.removeSync(bytes);
        else this.#files.entries.putSync(bytes, encodeValue(bytes, key, json));
      }
    }
  }

  /** The transaction went through. */
  onWritten(): void {
    this.#written = this.#settled;
    this.#settled = new Map();
    this.#on_disk = this.#count();
    this.#due?.rewind();
    if (!this.#files.index) return;
    this.#expiry = this.#newQueue();
    for (const key of [...this.#taken.keys(), ...this.#changed.keys()]) {
      const value = this.#unwritten(key);
      if (value !== undefined) this.#expiry.add(key, (value as Expiring).expires_ms);
    }
  }

  #writeExpiring(
    index: Database<Buffer, Buffer>,
    key: string,
    json: string | null,
    value: Expiring | undefined,
  ): void {
    const { entries } = this.#files;
    const bytes = encodeKey(key);
    const time = index.get(bytes);
    const stored_ms = time && readTime(time);
    if (json === null) {
      if (stored_ms === undefined) return;
      entries.removeSync(duePlace(stored_ms, bytes));
      index.removeSync(bytes);
      return;
    }
    const { expires_ms } = value ?? (JSON.parse(json) as Expiring);
    if (stored_ms !== undefined && stored_ms !== expires_ms) entries.removeSync(duePlace(stored_ms, bytes));
    entries.putSync(duePlace(expires_ms, bytes), encodeValue(bytes, key, json));
    if (stored_ms !== expires_ms) index.putSync(bytes, timeBytes(expires_ms));
  }

  #read(key: string): unknown {
    const { entries, index } = this.#files;
    const bytes = encodeKey(key);
    let place = bytes;
    if (index) {
      const time = index.get(bytes);
      if (!time) return undefined;
      place = duePlace(readTime(time), bytes);
    }
    const stored = entries.get(place);
    return stored === undefined ? undefined : JSON.parse(decodeEntry(bytes, stored).json);
  }

  *#stored(prefix: string): Iterable<{ key: string; json: string }> {
    for (const { key: bytes, value } of this.#files.entries.getRange()) {
      const entry = decodeEntry(this.#files.index ? splitPlace(bytes).bytes : bytes, value);
      if (entry.key.startsWith(prefix)) yield entry;
    }
  }

  #count(): number {
    return (this.#files.entries.getStats() as { entryCount: number }).entryCount;
  }

  #isUnwritten(key: string): boolean {
    return this.#changed.has(key) || this.#taken.has(key) || this.#settled.has(key);
  }

  /** The value of a key that is not on disk as it is now; undefined where it is, or is gone. */
  #unwritten(key: string): unknown {
    return this.#isUnwritten(key) ? this.get(key) : undefined;
  }

  #newQueue(): ExpiryQueue<string> {
    return new ExpiryQueue(
      (key) => (this.#unwritten(key) as Expiring | undefined)?.expires_ms,
      (a, b) => (a < b ? -1 : a > b ? 1 : 0),
    );
  }
}

function parsed(kept: Kept): unknown {
  if (kept.value === undefined && kept.json !== null) kept.value = JSON.parse(kept.json);
  return kept.value;
}

function isBefore(expires_ms: number, key: string, stored: { expires_ms: number; key: string }): boolean {
  return expires_ms < stored.expires_ms || (expires_ms === stored.expires_ms && key < stored.key);
}
