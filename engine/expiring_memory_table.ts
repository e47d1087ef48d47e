/**
 * A store in memory whose entries expire. There may be millions of them, most of which are never asked for again: so they are
 * kept as JSON, one string each, which costs a garbage collector less than the objects that it stands for.
 */
import type { Expiring } from '../actors/actor.ts';
import { ExpiryQueue } from './expiry_queue.ts';
import type { Table } from './table.ts';

export class ExpiringMemoryTable implements Table {
  readonly #entries = new Map<string, string>();
  #changed = new Set<string>();
  readonly #expiry = new ExpiryQueue((key) => expiryOf(this.#entries.get(key)));

  get size(): number {
    return this.#entries.size;
  }

  get changed(): number {
    return this.#changed.size;
  }

  get(key: string): unknown {
    return parsed(this.#entries.get(key));
  }

  put(key: string, value: unknown): unknown {
    const former = this.#entries.get(key);
    this.#changed.add(key);
    this.#set(key, value === undefined ? undefined : JSON.stringify(value), former);
    return former;
  }

  revert(key: string, former: unknown): void {
    this.#set(key, former as string | undefined, undefined);
  }

  *entries(prefix: string): Iterable<[string, unknown]> {
    for (const [key, json] of this.#entries) if (key.startsWith(prefix)) yield [key, parsed(json)];
  }

  firstDue(until_ms: number): [string, Expiring] | undefined {
    const key = this.#expiry.first(until_ms);
    return key === undefined ? undefined : [key, parsed(this.#entries.get(key)) as Expiring];
  }

  *takeChanged(): Iterable<[string, string | null]> {
    const changed = this.#changed;
    this.#changed = new Set();
    for (const key of changed) yield [key, this.#entries.get(key) ?? null];
  }

  restore(key: string, json: string | null): void {
    this.#set(key, json ?? undefined, this.#entries.get(key));
  }

  #set(key: string, json: string | undefined, former: string | undefined): void {
    if (json === undefined) {
      this.#entries.delete(key);
      return;
    }
    this.#entries.set(key, json);
    const expires_ms = expiryOf(json)!;
    if (expiryOf(former) !== expires_ms) this.#expiry.add(key, expires_ms);
  }
}

function parsed(json: string | undefined): unknown {
  return json === undefined ? undefined : JSON.parse(json);
}

const FIRST = '{"expires_ms":';
/** No time is longer. */
const TIME_CHARACTERS = 24;

/** Mostly it stands first, and nothing else has to be read for it. */
function expiryOf(json: string | undefined): number | undefined {
  if (json === undefined) return undefined;
  return json.startsWith(FIRST)
    ? Number.parseFloat(json.slice(FIRST.length, FIRST.length + TIME_CHARACTERS))
    : (JSON.parse(json) as Expiring).expires_ms;
}
