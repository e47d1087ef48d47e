/** What a store of a task's state is made of: in memory (memory_table.ts, expiring_byte_table.ts) or on disk (disk_table.ts). */
import type { EntryBytes, Expiring } from '../actors/actor.ts';
import type { PackedRecords } from './packed_records.ts';

interface AnyTable {
  /** Entries now; on disk about so many. */
  readonly size: number;
  /** Keys that were set or deleted since they were taken. */
  readonly changed: number;
  /** Undefined where there is none. */
  get(key: string): unknown;
  /** Undefined deletes. Returns what `revert` has to be given to take it back. */
  put(key: string, value: unknown): unknown;
  revert(key: string, former: unknown): void;
  entries(prefix: string): Iterable<[key: string, value: unknown]>;
  /** Of a table whose entries expire: the first that does at `until_ms` or before. */
  firstDue(until_ms: number): [key: string, value: Expiring] | undefined;
  /** As read from the changelog; null for a deleted key. */
  restore(key: string, json: string | null): void;
}

export interface TextTable extends AnyTable {
  /** What changed, as JSON; null for what was deleted. */
  takeChanged(): Iterable<[key: string, json: string | null]>;
}

/** Whose entries are bytes in memory. */
export interface ByteTable extends AnyTable, EntryBytes {
  /** What changed, as records of the changelog; good until the table changes. */
  takePacked(): PackedRecords;
}

export type Table = TextTable | ByteTable;

export function isByteTable(table: Table): table is ByteTable {
  return 'takePacked' in table;
}
