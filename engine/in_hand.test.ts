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

test('writes are in hand beside what is at work, several at once, each until it is settled', async () => {
  const memory = InHand.memory();
  const [own, supervisor] = [new InHand(memory), new InHand(memory)];
  const [first, second] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const writes = [
    own.whileUnderWay(CELLS, () => first.promise),
    own.whileUnderWay({ ...CELLS, stage: 0, input: 0, records: 2 }, () => second.promise),
  ];
  const of_b = { ...HELD, is_under_way: true };
  const of_a = { ...of_b, task: 'a/3', topic: 'x', records: 2 };
  assert.deepEqual(supervisor.readUnderWay(PLAN), [of_b, of_a]);
  assert.equal(supervisor.read(PLAN), null);
  first.reject(new Error('no'));
  await assert.rejects(writes[0]!);
  assert.deepEqual(supervisor.readUnderWay(PLAN), [of_a]);
  second.resolve();
  await writes[1];
  assert.deepEqual(supervisor.readUnderWay(PLAN), []);
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
