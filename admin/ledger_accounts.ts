/** The ledger by source and by connected sink, and whether it adds up. */
import { type Static, Type } from 'typebox';
import { type LedgerCounts, type LedgerEntries, TAKEN_IN } from '../engine/ledger.ts';
import type { Plan } from '../engine/plan.ts';
import { sourcesOf } from '../engine/sources.ts';

export const Counts = Type.Record(Type.String(), Type.Integer(), { description: 'disposition → records' });

export const SourceAccount = Type.Object({
  taken_in: Type.Integer({ description: 'records that entered' }),
  dispositions: Counts,
  sum_ok: Type.Boolean({ description: 'the dispositions add up to taken_in' }),
});
type SourceAccount = Static<typeof SourceAccount>;

/** A source that nothing has come from yet is there with zeros. */
export function accounts(ledger: LedgerEntries, plan: Plan) {
  const balanced = (names: readonly string[]) =>
    Object.fromEntries(names.map((name) => [name, sourceAccount(ledger[name] ?? {})]));
  const sources = balanced(sourcesOf(plan));
  const sinks = balanced(plan.stages.filter(({ sink }) => sink).map(({ name }) => name));
  const actors = Object.fromEntries(
    Object.entries(ledger).filter(([name]) => !(name in sources) && !(name in sinks)),
  );
  const sum_ok = [sources, sinks].every((all) => Object.values(all).every((one) => one.sum_ok));
  return { sources, sinks, actors, sum_ok };
}

function sourceAccount({ [TAKEN_IN]: taken_in = 0, ...dispositions }: LedgerCounts): SourceAccount {
  const sum = Object.values(dispositions).reduce((total, count) => total + count, 0);
  return { taken_in, dispositions, sum_ok: sum === taken_in };
}
