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

export class Ledger {
  readonly #state: State;
  #pending: { account: string; disposition: string; delta: number }[] = [];

  constructor(state: State) {
    this.#state = state;
  }

  count(account: string, disposition: string, delta: number): void {
    this.#pending.push({ account, disposition, delta });
  }

  /** The message that counted these did not go through. */
  drop(): void {
    this.#pending = [];
  }

  /** Makes what was counted part of the state. */
  settle(): void {
    for (const { account, disposition, delta } of this.#pending) {
      const counts = this.#state.get<LedgerCounts>(account) ?? {};
      this.#state.set(account, { ...counts, [disposition]: (counts[disposition] ?? 0) + delta });
    }
    if (this.#pending.length > 0) this.#pending = [];
  }

  entries(): LedgerEntries {
    return Object.fromEntries(this.#state.entries<LedgerCounts>(''));
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
