/**
 * What became of every record that was taken in: per account (a source, or a window actor) the number of records
 * in each disposition. Kept in the state, so it commits with what it counts.
 */
import type { State } from '../actors/actor.ts';

export type LedgerCounts = Record<string, number>;
/** Account → disposition → records. */
export type LedgerEntries = Record<string, LedgerCounts>;

/** Counted by the engine for each source record; the other dispositions of a source add up to it. */
export const TAKEN_IN = 'taken_in';

interface Counter {
  account: string;
  disposition: string;
  count: number;
  /** False while only messages that did not go through have counted it. */
  is_settled: boolean;
}

export class Ledger {
  readonly #state: State;
  readonly #counters: Counter[] = [];
  /** Account → disposition → its counter. */
  readonly #places = new Map<string, Map<string, number>>();
  /** Counted for the message in hand: by how much each of these counters changes. */
  readonly #pending_places: number[] = [];
  readonly #pending_deltas: number[] = [];
  #pending = 0;
  readonly #unsaved = new Set<string>();

  /** `state` holds what was counted before a restart. */
  constructor(state: State) {
    this.#state = state;
    for (const [account, counts] of state.entries<LedgerCounts>(''))
      for (const [disposition, count] of Object.entries(counts))
        this.#settle(this.#place(account, disposition), count);
  }

  count(account: string, disposition: string, delta: number): void {
    this.#pending_places[this.#pending] = this.#place(account, disposition);
    this.#pending_deltas[this.#pending++] = delta;
  }

  /** The message that counted these did not go through. */
  drop(): void {
    this.#pending = 0;
  }

  /** The message went through: what was counted counts. */
  settle(): void {
    for (let index = 0; index < this.#pending; index++) {
      const place = this.#pending_places[index]!;
      this.#settle(place, this.#pending_deltas[index]!);
      this.#unsaved.add(this.#counters[place]!.account);
    }
    this.#pending = 0;
  }

  /** Before a commit: makes what was settled part of the state. */
  save(): void {
    if (this.#unsaved.size === 0) return;
    const entries = this.entries();
    for (const account of this.#unsaved) this.#state.set(account, entries[account]);
    this.#unsaved.clear();
  }

  get has_news(): boolean {
    return this.#unsaved.size > 0;
  }

  /** Over all accounts. */
  total(disposition: string): number {
    return this.#counters.reduce((sum, one) => sum + (one.disposition === disposition ? one.count : 0), 0);
  }

  entries(): LedgerEntries {
    const entries: LedgerEntries = {};
    for (const { account, disposition, count, is_settled } of this.#counters) {
      if (!is_settled) continue;
      entries[account] ??= {};
      entries[account][disposition] = count;
    }
    return entries;
  }

  #settle(place: number, delta: number): void {
    const counter = this.#counters[place]!;
    counter.count += delta;
    counter.is_settled = true;
  }

  #place(account: string, disposition: string): number {
    let places = this.#places.get(account);
    if (!places) {
      places = new Map();
      this.#places.set(account, places);
    }
    let place = places.get(disposition);
    if (place === undefined) {
      place = this.#counters.push({ account, disposition, count: 0, is_settled: false }) - 1;
      places.set(disposition, place);
    }
    return place;
  }
}

export function addLedgers(ledgers: Iterable<LedgerEntries>): LedgerEntries {
  const sum: LedgerEntries = {};
  for (const ledger of ledgers) {
    for (const [account, counts] of Object.entries(ledger)) {
      sum[account] ??= {};
      const into = sum[account];
      for (const [disposition, count] of Object.entries(counts))
        into[disposition] = (into[disposition] ?? 0) + count;
    }
  }
  return sum;
}
