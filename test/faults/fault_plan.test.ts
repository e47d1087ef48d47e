/** A seed gives the same faults and the same input again. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DrillInput } from './drill_input.ts';
import { FAULT_KINDS, planFaults, sensibleKinds } from './fault_plan.ts';

const OPTIONS = { round: 0, cycles: 300, kinds: FAULT_KINDS, processes: 2, session_timeout_ms: 2_000 };

test('the plan is a function of its seed, and has every kind of fault on every process', () => {
  const faults = planFaults({ ...OPTIONS, seed: 1 });
  assert.deepEqual(planFaults({ ...OPTIONS, seed: 1 }), faults);
  assert.notDeepEqual(planFaults({ ...OPTIONS, seed: 2 }), faults);
  assert.notDeepEqual(planFaults({ ...OPTIONS, seed: 1, round: 1 }), faults);
  assert.deepEqual(
    new Set(faults.map(({ kind, process }) => `${kind} ${process}`)).size,
    FAULT_KINDS.length * 2,
  );
});

test('a zombie sleeps longer than its session', () => {
  for (const { kind, lasts_ms } of planFaults({ ...OPTIONS, seed: 1 }))
    if (kind === 'zombie') assert.ok(lasts_ms > OPTIONS.session_timeout_ms, `${lasts_ms} ms`);
  assert.ok(!sensibleKinds('at_least_once').includes('zombie'));
});

test('the input is a function of its seed, and has every kind of record', () => {
  const made = (seed: number, batches = 50) => {
    const input = new DrillInput(seed, seed % 2 === 1);
    return Array.from({ length: batches }, () => input.next());
  };
  assert.deepEqual(made(1), made(1));
  assert.notDeepEqual(made(1), made(2));
  const kinds = new Set(
    made(1, 1_500)
      .flat()
      .map(({ source, kind }) => `${source} ${kind}`),
  );
  for (const kind of ['good', 'too_late', 'bad:not_json', 'bad:timestamp_ahead'])
    for (const source of ['predictions', 'feedback'])
      assert.ok(kinds.has(`${source} ${kind}`), `${source} ${kind}`);
  assert.ok(kinds.has('predictions bad:wrong_partition'));
});
