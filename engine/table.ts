/** What a store of a task's state is made of: in memory (memory_table.ts) or on disk (disk_table.ts). */
import type { EntryBytes, Expiring } from '../actors/actor.ts';
import type { PackedRecords } from './packed_records.ts';

export interface Table {
  /** Entries now; on disk about so many. */
  readonly size: number;
  /** Keys that were set or deleted since `takeChanged`. */
  readonly changed: number;
  /** Undefined where there is none. */
  get(key: string): unknown;
  /** Undefined deletes. Returns what `revert` has to be given to take it back. */
  put(key: string, value: unknown): unknown;
  revert(key: string, former: unknown): void;
  entries(prefix: string): Iterable<[key: string, value: unknown]>;
  /** Of a table whose entries expire: the first that does at `until_ms` or before. */
  firstDue(until_ms: number): [key: string, value: Expiring] | undefined;
  /** What changed, as JSON; null for what was deleted. */
  takeChanged(): Iterable<[key: string, json: string | null]>;
  /** The same as records of the changelog, good until the table changes: where entries are bytes in memory. */
  takePacked?(): PackedRecords;
  /** For who reads and writes them as such. */
  readonly entry_bytes?: EntryBytes;
  /** As read from the changelog; null for a deleted key. */
  restore(key: string, json: string | null): void;
}
