/** What a store of a task's state is made of: in memory (memory_table.ts) or on disk (disk_table.ts). */
import type { EntryBytes, Expiring } from '../actors/actor.ts';
import type { StateChange } from './state.ts';

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
  /** What changed. Each key in the changelog begins with `prefix`. */
  takeChanged(prefix: string): Iterable<StateChange>;
  /** Where entries are bytes in memory: for who reads and writes them as such. */
  readonly entry_bytes?: EntryBytes;
  /** As read from the changelog; null for a deleted key. */
  restore(key: string, json: string | null): void;
}
