import assert from 'node:assert/strict';
import { test } from 'node:test';
import { InHand } from './in_hand.ts';
import type { ResolvedPlan } from './plan.ts';

const PLAN = {
  stages: [
    { name: 'a', inputs: [{ topic: 'x' }] },
    { name: 'b', inputs: [{ topic: 'y' }, { topic: 'z' }] },
  ],
} as unknown as ResolvedPlan;
const CELLS = { stage: 1, partition: 3, input: 1, offset: 2 ** 40, records: 7, is_one: 0 };
const HELD = { task: 'b/3', topic: 'z', offset: 2 ** 40, records: 7, is_one: false };

test('another thread reads what is in hand, as long as it is', () => {
  const memory = InHand.memory();
  const [own, supervisor] = [new InHand(memory), new InHand(memory)];
  assert.equal(supervisor.read(PLAN), null);
  own.holding(CELLS, () => {
    assert.deepEqual(supervisor.read(PLAN), HELD);
    own.without(() => assert.equal(supervisor.read(PLAN), null));
    assert.deepEqual(supervisor.read(PLAN), HELD);
  });
  assert.equal(supervisor.read(PLAN), null);
});

test('what a failed task had in hand stays, whatever others do; what time brought about was in nobody’s hand', () => {
  const failing = () => {
    throw new Error('no');
  };
  const in_hand = new InHand(InHand.memory());
  assert.throws(() => in_hand.holding(CELLS, failing));
  in_hand.holding({ ...CELLS, stage: 0, input: 0 }, () => undefined);
  assert.deepEqual(in_hand.read(PLAN), HELD);

  const timed = new InHand(InHand.memory());
  assert.throws(() => timed.holding(CELLS, () => timed.without(failing)));
  assert.equal(timed.read(PLAN), null);
});
