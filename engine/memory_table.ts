/** A store in memory. */
import type { Expiring } from '../actors/actor.ts';
import type { TextTable } from './table.ts';

/** Found once, an entry is changed and taken without being looked for again: with many keys that is what costs. */
interface Entry {
  readonly key: string;
  /** Undefined where it was deleted: then it goes when it is taken. */
  value: unknown;
  is_changed: boolean;
}

export class MemoryTable implements TextTable {
  readonly #entries = new Map<string, Entry>();
  #changed: Entry[] = [];
  #size = 0;

  get size(): number {
    return this.#size;
  }

  get changed(): number {
    return this.#changed.length;
  }

  get(key: string): unknown {
    return this.#entries.get(key)?.value;
  }

  put(key: string, value: unknown): unknown {
    const entry = this.#entryOf(key);
    const former = entry.value;
    if (!entry.is_changed) {
      entry.is_changed = true;
      this.#changed.push(entry);
    }
    this.#assign(entry, value);
    return former;
  }

  revert(key: string, former: unknown): void {
    this.#assign(this.#entryOf(key), former);
  }

  *entries(prefix: string): Iterable<[string, unknown]> {
    for (const { key, value } of this.#entries.values())
      if (value !== undefined && key.startsWith(prefix)) yield [key, value];
  }

  firstDue(): [string, Expiring] | undefined {
    return undefined;
  }

  *takeChanged(): Iterable<[string, string | null]> {
    const changed = this.#changed;
    this.#changed = [];
    for (const entry of changed) {
      entry.is_changed = false;
      if (entry.value === undefined) this.#entries.delete(entry.key);
      yield [entry.key, entry.value === undefined ? null : JSON.stringify(entry.value)];
    }
  }

  restore(key: string, json: string | null): void {
    if (json !== null) this.#assign(this.#entryOf(key), JSON.parse(json));
    else {
      this.revert(key, undefined);
      this.#entries.delete(key);
    }
  }

  #entryOf(key: string): Entry {
    let entry = this.#entries.get(key);
    if (!entry) {
      entry = { key, value: undefined, is_changed: false };
      this.#entries.set(key, entry);
    }
    return entry;
  }

  #assign(entry: Entry, value: unknown): void {
    if (entry.value === undefined && value !== undefined) this.#size++;
    else if (entry.value !== undefined && value === undefined) this.#size--;
    entry.value = value;
  }
}
