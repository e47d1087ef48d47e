/**
 * The state of one task: a keyed store per actor, in memory, every change of which goes to the task's changelog.
 *
 * 1. What was set since `takeChanges` is what the next changelog batch holds; a key deleted is a tombstone.
 * 2. `undo` takes back everything since `checkpoint`, for a message whose actor threw. What `takeChanges` has handed out
 *    is not taken back.
 * 3. Keys and values in the changelog are a public format: `{store}/{key}` and JSON, marked with its version.
 */
import type { State } from '../actors/actor.ts';
import { ErrataError } from '../messages/errata_error.ts';

/** Marks records of a changelog in their `errata` header. */
export const STATE_FORMAT = 's1';

export interface StateChange {
  key: string;
  /** JSON; null for a deleted key. */
  value: string | null;
}

interface Undo {
  store: Map<string, unknown>;
  id: string;
  key: string;
  existed: boolean;
  previous: unknown;
}

export class TaskState {
  readonly #stores = new Map<string, Map<string, unknown>>();
  readonly #dirty = new Map<string, { store: Map<string, unknown>; key: string }>();
  #undo: Undo[] = [];

  /** Store names are actor names, or begin with `$` for the engine's own. */
  store(name: string): State {
    const entries = this.#open(name);
    const change = (key: string, change: () => void): void => {
      const id = `${name}/${key}`;
      this.#undo.push({ store: entries, id, key, existed: entries.has(key), previous: entries.get(key) });
      this.#dirty.set(id, { store: entries, key });
      change();
    };
    return {
      get: <Value>(key: string) => entries.get(key) as Value | undefined,
      set: (key, value) => change(key, () => entries.set(key, value)),
      delete: (key) => {
        if (entries.has(key)) change(key, () => entries.delete(key));
      },
      *entries<Value>(prefix: string): Iterable<[string, Value]> {
        for (const [key, value] of entries) if (key.startsWith(prefix)) yield [key, value as Value];
      },
    };
  }

  get has_changes(): boolean {
    return this.#dirty.size > 0;
  }

  get size(): number {
    let size = 0;
    for (const entries of this.#stores.values()) size += entries.size;
    return size;
  }

  checkpoint(): void {
    if (this.#undo.length > 0) this.#undo = [];
  }

  undo(): void {
    for (const { store, key, existed, previous } of this.#undo.reverse()) {
      if (existed) store.set(key, previous);
      else store.delete(key);
    }
    this.#undo = [];
  }

  takeChanges(): StateChange[] {
    this.checkpoint();
    const changes = [...this.#dirty].map(([id, { store, key }]) => ({
      key: id,
      value: store.has(key) ? JSON.stringify(store.get(key)) : null,
    }));
    this.#dirty.clear();
    return changes;
  }

  /** Applies one record of the changelog. Throws E_STATE_VERSION if a newer errata wrote it. */
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
    const store = this.#open(key.slice(0, slash));
    if (value === null) store.delete(key.slice(slash + 1));
    else store.set(key.slice(slash + 1), JSON.parse(value));
  }

  #open(name: string): Map<string, unknown> {
    let entries = this.#stores.get(name);
    if (!entries) {
      entries = new Map();
      this.#stores.set(name, entries);
    }
    return entries;
  }
}
