/**
 * The state of one task: keyed stores, every change of which goes to the task's changelog.
 *
 * 1. What was set since `takeChanges` is what the next changelog batch holds; a key deleted is a tombstone.
 * 2. `undo` takes back everything since `checkpoint`, for a message whose actor threw. What `takeChanges` has handed out
 *    is not taken back.
 * 3. Keys and values in the changelog are a public format: `{store}/{key}` and JSON, marked with its version. The name
 *    of a store whose entries expire ends in `~`; when they do, they say in `expires_ms`.
 */
import type { Expiring, ExpiringState, State } from '../actors/actor.ts';
import { ErrataError } from '../messages/errata_error.ts';
import { ExpiringByteTable } from './expiring_byte_table.ts';
import { MemoryTable } from './memory_table.ts';
import { type PackedRecords, together } from './packed_records.ts';
import type { Guarantee } from './plan.ts';
import { isByteTable, type Table } from './table.ts';

/** Marks records of a changelog in their `errata` header. */
export const STATE_FORMAT = 's5';
const EXPIRES = '~';

export interface StateChange {
  /** `{store}/{key}` */
  key: string;
  /** JSON; null for a deleted key. */
  value: string | null;
}

/** As an actor sees it, with what the engine takes out. */
export interface ExpiringStore extends ExpiringState {
  /** Takes out the first entry that expires at `until_ms` or before. */
  takeDue(until_ms: number): [key: string, value: Expiring] | undefined;
}

/** Where the stores are kept, and how far into the changelog they reach. */
export interface StateBackend {
  /** Where reading the changelog has to begin. */
  readonly next_offset: number;
  table(name: string, expires: boolean): Table;
  /** Everything before `next_offset` was restored. */
  reached(next_offset: number): void;
  /**
   * What was taken is committed, and took at least so many offsets of the changelog. Fewer than it did only has a
   * restart read some records again.
   */
  committed(offsets: number): void;
  close(): Promise<void>;
  /** Closes it, and has the next begin with nothing. */
  discard(): Promise<void>;
}

const IN_MEMORY: StateBackend = {
  next_offset: 0,
  table: (name, expires) => (expires ? new ExpiringByteTable(name) : new MemoryTable()),
  reached: () => undefined,
  committed: () => undefined,
  close: async () => undefined,
  discard: async () => undefined,
};

export class TaskState {
  readonly backend: StateBackend;
  readonly #tables = new Map<string, Table>();
  readonly #journal = new Journal();

  constructor(backend: StateBackend = IN_MEMORY) {
    this.backend = backend;
  }

  /** Store names are actor names, or begin with `$` for the engine's own. */
  store(name: string): State {
    return storeOn(this.#open(name), this.#journal);
  }

  /** A store whose entries go once event time has reached their expiry. */
  expiring(name: string): ExpiringStore {
    return expiringStoreOn(this.#open(`${name}${EXPIRES}`), this.#journal);
  }

  get has_changes(): boolean {
    return this.changes > 0;
  }

  /** How many changes the next commit holds. */
  get changes(): number {
    let changes = 0;
    for (const table of this.#tables.values()) changes += table.changed;
    return changes;
  }

  get size(): number {
    let size = 0;
    for (const table of this.#tables.values()) size += table.size;
    return size;
  }

  checkpoint(): void {
    this.#journal.clear();
  }

  undo(): void {
    this.#journal.undo();
  }

  /** What is packed shares memory with the state, and is good until the state changes. */
  takeChanges(): { changes: StateChange[]; packed: PackedRecords } {
    this.#journal.clear();
    const changes: StateChange[] = [];
    const packed: PackedRecords[] = [];
    for (const [name, table] of this.#tables) {
      if (table.changed === 0) continue;
      if (isByteTable(table)) packed.push(table.takePacked());
      else for (const [key, value] of table.takeChanged()) changes.push({ key: `${name}/${key}`, value });
    }
    return { changes, packed: together(packed) };
  }

  /** What `takeChanges` handed out is committed. */
  committed(changes: readonly StateChange[], guarantee: Guarantee): void {
    this.backend.committed(offsetsOf(changes, guarantee));
  }

  /** What was not committed is gone. */
  close(): Promise<void> {
    return this.backend.close();
  }

  /** Applies one record of the changelog. Throws E_STATE_VERSION if another version of errata wrote it. */
  restore(key: string, value: string | null, format: string | undefined): void {
    if (format !== STATE_FORMAT) {
      throw new ErrataError(
        'E_STATE_VERSION',
        `state of format ${format}, this version reads ${STATE_FORMAT}`,
        {
          hint: 'run the version that wrote it, or start under another namespace',
        },
      );
    }
    const slash = key.indexOf('/');
    this.#open(key.slice(0, slash)).restore(key.slice(slash + 1), value);
  }

  #open(name: string): Table {
    let table = this.#tables.get(name);
    if (!table) {
      table = this.backend.table(name, name.endsWith(EXPIRES));
      this.#tables.set(name, table);
    }
    return table;
  }
}

/** An entry that its topic might have refused is in the dead letters, and has no offset. */
const SURELY_TAKEN_CHARACTERS = 32_768;
/** The end of a transaction takes an offset in each partition that it wrote to. */
const MARKER_OFFSETS: Record<Guarantee, number> = { exactly_once: 1, at_least_once: 0 };

/** How many offsets of the changelog they took at least. */
function offsetsOf(changes: readonly StateChange[], guarantee: Guarantee): number {
  let offsets = MARKER_OFFSETS[guarantee];
  for (const { key, value } of changes)
    if (key.length + (value?.length ?? 0) < SURELY_TAKEN_CHARACTERS) offsets++;
  return offsets;
}

function storeOn(table: Table, journal: Journal): State {
  return {
    get: <Value>(key: string) => table.get(key) as Value | undefined,
    set: (key, value) => journal.put(table, key, value),
    delete: (key) => {
      if (table.get(key) !== undefined) journal.put(table, key, undefined);
    },
    entries: <Value>(prefix: string) => table.entries(prefix) as Iterable<[string, Value]>,
  };
}

function expiringStoreOn(table: Table, journal: Journal): ExpiringStore {
  return {
    ...storeOn(table, journal),
    bytes: isByteTable(table) ? table : null,
    takeDue: (until_ms) => {
      const due = table.firstDue(until_ms);
      if (due) journal.put(table, due[0], undefined);
      return due;
    },
  };
}

/** What was there before each change since the checkpoint. Its lists are used again, so that a change makes no object. */
class Journal {
  readonly #tables: Table[] = [];
  readonly #keys: string[] = [];
  readonly #former: unknown[] = [];
  #length = 0;

  put(table: Table, key: string, value: unknown): void {
    const index = this.#length++;
    this.#tables[index] = table;
    this.#keys[index] = key;
    this.#former[index] = table.put(key, value);
  }

  undo(): void {
    for (let index = this.#length - 1; index >= 0; index--)
      this.#tables[index]!.revert(this.#keys[index]!, this.#former[index]);
    this.clear();
  }

  clear(): void {
    this.#length = 0;
    if (this.#keys.length <= KEPT_MAX) return;
    for (const list of [this.#tables, this.#keys, this.#former]) list.length = 0;
  }
}

/** A longer journal is let go: it would keep what it is about in memory. */
const KEPT_MAX = 256;
