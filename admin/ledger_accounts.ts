/** The ledger by source, and whether it adds up. */
import { type Static, Type } from 'typebox';
import { type LedgerCounts, type LedgerEntries, TAKEN_IN } from '../engine/ledger.ts';

export const Counts = Type.Record(Type.String(), Type.Integer(), { description: 'disposition → records' });

export const SourceAccount = Type.Object({
  taken_in: Type.Integer({ description: 'records that entered' }),
  dispositions: Counts,
  sum_ok: Type.Boolean({ description: 'the dispositions add up to taken_in' }),
});
type SourceAccount = Static<typeof SourceAccount>;

/** A source that nothing has come from yet is there with zeros. */
export function accounts(ledger: LedgerEntries, source_names: readonly string[]) {
  const sources = Object.fromEntries(
    source_names.map((source) => [source, sourceAccount(ledger[source] ?? {})]),
  );
  const actors = Object.fromEntries(Object.entries(ledger).filter(([name]) => !source_names.includes(name)));
  return { sources, actors, sum_ok: Object.values(sources).every(({ sum_ok }) => sum_ok) };
}

function sourceAccount({ [TAKEN_IN]: taken_in = 0, ...dispositions }: LedgerCounts): SourceAccount {
  const sum = Object.values(dispositions).reduce((total, count) => total + count, 0);
  return { taken_in, dispositions, sum_ok: sum === taken_in };
}
