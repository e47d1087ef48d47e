/** A store in memory. */
import type { Expiring } from '../actors/actor.ts';
import { ExpiryQueue } from './expiry_queue.ts';
import type { Table } from './table.ts';

export class MemoryTable implements Table {
  readonly #entries = new Map<string, unknown>();
  #changed = new Set<string>();
  readonly #expiry: ExpiryQueue | null;

  constructor(expires: boolean) {
    this.#expiry = expires ? new ExpiryQueue((key) => this.#expiring(key)?.expires_ms) : null;
  }

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
    if (value === undefined) this.#entries.delete(key);
    else this.#set(key, value, former);
    return former;
  }

  revert(key: string, former: unknown): void {
    if (former === undefined) this.#entries.delete(key);
    else this.#set(key, former, undefined);
  }

  *entries(prefix: string): Iterable<[string, unknown]> {
    for (const entry of this.#entries) if (entry[0].startsWith(prefix)) yield entry;
  }

  firstDue(until_ms: number): [string, Expiring] | undefined {
    const key = this.#expiry?.first(until_ms);
    return key === undefined ? undefined : [key, this.#expiring(key)!];
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
    if (json === null) this.#entries.delete(key);
    else this.#set(key, JSON.parse(json), this.#entries.get(key));
  }

  #set(key: string, value: unknown, former: unknown): void {
    this.#entries.set(key, value);
    if (!this.#expiry) return;
    const { expires_ms } = value as Expiring;
    if ((former as Expiring | undefined)?.expires_ms !== expires_ms) this.#expiry.add(key, expires_ms);
  }

  #expiring(key: string): Expiring | undefined {
    return this.#entries.get(key) as Expiring | undefined;
  }
}
