/** A store in memory. */
import type { Expiring } from '../actors/actor.ts';
import type { TextTable } from './table.ts';

export class MemoryTable implements TextTable {
  readonly #entries = new Map<string, unknown>();
  #changed = new Set<string>();

  get size(): number {
    return this.#entries.size;
  }

  get changed(): number {
    return this.#changed.size;
  }

  get(key: string): unknown {
    return this.#entries.get(key);
  }

  put(key: string, value: unknown): unknown {
    const former = this.#entries.get(key);
    this.#changed.add(key);
    this.revert(key, value);
    return former;
  }

  revert(key: string, former: unknown): void {
    if (former === undefined) this.#entries.delete(key);
    else this.#entries.set(key, former);
  }

  *entries(prefix: string): Iterable<[string, unknown]> {
    for (const entry of this.#entries) if (entry[0].startsWith(prefix)) yield entry;
  }

  firstDue(): [string, Expiring] | undefined {
    return undefined;
  }

  *takeChanged(): Iterable<[string, string | null]> {
    const changed = this.#changed;
    this.#changed = new Set();
    for (const key of changed) {
      const value = this.#entries.get(key);
      yield [key, value === undefined ? null : JSON.stringify(value)];
    }
  }

  restore(key: string, json: string | null): void {
    this.revert(key, json === null ? undefined : JSON.parse(json));
  }
}
