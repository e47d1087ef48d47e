import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Expiring } from '../actors/actor.ts';
import { addLedgers, Ledger, TAKEN_IN } from './ledger.ts';
import { STATE_FORMAT, TaskState } from './state.ts';
import { changedTexts } from './testing.ts';
import { Timers } from './timers.ts';

type Step =
  | { type: 'set'; store: string; key: string; value: number }
  | { type: 'delete'; store: string; key: string }
  | { type: 'checkpoint' }
  | { type: 'undo' }
  | { type: 'commit' };

const place = {
  store: fc.constantFrom('a', 'b', '$time'),
  key: fc.constantFrom('', 'k', 'k/1', 'k/2', '__proto__'),
};
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ type: fc.constant('set' as const), ...place, value: fc.nat() }) },
  { weight: 2, arbitrary: fc.record({ type: fc.constant('delete' as const), ...place }) },
  fc.constantFrom<Step>({ type: 'checkpoint' }, { type: 'undo' }, { type: 'commit' }),
);

/** What the state must be like: one map of all stores, and a copy of it to go back to. */
class Model {
  entries = new Map<string, number>();
  #before = new Map<string, number>();

  apply(step: Step): void {
    if (step.type === 'set') this.entries.set(`${step.store}/${step.key}`, step.value);
    else if (step.type === 'delete') this.entries.delete(`${step.store}/${step.key}`);
    else if (step.type === 'undo') this.entries = new Map(this.#before);
    if (step.type !== 'set' && step.type !== 'delete') this.#before = new Map(this.entries);
  }
}

function contents(state: TaskState): Map<string, number> {
  return new Map(
    ['a', 'b', '$time'].flatMap((name) =>
      [...state.store(name).entries<number>('')].map(([key, value]) => [`${name}/${key}`, value] as const),
    ),
  );
}

test('property: the state is a map that can go back to its checkpoint, and its changelog makes the same map', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
      const state = new TaskState();
      const model = new Model();
      const changelog: { key: string; value: string | null }[] = [];
      for (const one of steps) {
        if (one.type === 'set') state.store(one.store).set(one.key, one.value);
        else if (one.type === 'delete') state.store(one.store).delete(one.key);
        else if (one.type === 'checkpoint') state.checkpoint();
        else if (one.type === 'undo') state.undo();
        else changelog.push(...changedTexts(state));
        model.apply(one);
        assert.deepEqual(contents(state), model.entries);
      }
      changelog.push(...changedTexts(state));
      assert.equal(state.has_changes, false);
      const restored = new TaskState();
      for (const { key, value } of changelog) restored.restore(key, value, STATE_FORMAT);
      assert.deepEqual(contents(restored), model.entries);
      assert.equal(restored.size, model.entries.size);
      assert.equal(restored.has_changes, false);
      // Compacted: only the last of each key.
      const compacted = new TaskState();
      for (const { key, value } of new Map(changelog.map((one) => [one.key, one])).values())
        compacted.restore(key, value, STATE_FORMAT);
      assert.deepEqual(contents(compacted), model.entries);
    }),
  );
});

test('state of another format is refused', () => {
  for (const format of ['s1', undefined])
    assert.throws(() => new TaskState().restore('a/k', '1', format), { code: 'E_STATE_VERSION' });
});

test('entries are found by prefix, and may be deleted on the way', () => {
  const store = new TaskState().store('a');
  for (const key of ['x/1', 'x/2', 'y/1']) store.set(key, key);
  for (const [key] of store.entries('x/')) store.delete(key);
  assert.deepEqual([...store.entries('')], [['y/1', 'y/1']]);
});

test('property: timers fire once each, in order of time, actor and key, also after a restart in between', () => {
  const timer = fc.record({
    time_ms: fc.integer({ min: 0, max: 20 }),
    actor: fc.constantFrom('a', 'b'),
    key: fc.constantFrom('k', 'l', 'm/n'),
  });
  const shown = ({ time_ms, actor, key }: { time_ms: number; actor: string; key: string }) =>
    `${String(time_ms).padStart(3, '0')} ${actor} ${key}`;
  fc.assert(
    fc.property(fc.array(timer, { maxLength: 40 }), fc.integer({ min: 0, max: 20 }), (set, restart_ms) => {
      const state = new TaskState().store('$timers');
      const fired: string[] = [];
      const fire = (timers: Timers, watermark_ms: number) => {
        for (let due = timers.takeDue(watermark_ms); due; due = timers.takeDue(watermark_ms)) {
          assert.ok(due.time_ms <= watermark_ms);
          fired.push(shown(due));
        }
      };
      const first = new Timers(state);
      for (const one of set) first.set(one);
      fire(first, restart_ms);
      fire(new Timers(state), 100);
      assert.deepEqual(fired, [...new Set(set.map(shown))].sort());
      assert.deepEqual([...state.entries('')], []);
    }),
  );
});

test('a timer whose setting was undone does not fire; set again, it fires once', () => {
  const state = new TaskState();
  const timers = new Timers(state.store('$timers'));
  const timer = { time_ms: 5, actor: 'a', key: 'k' };
  state.checkpoint();
  timers.set(timer);
  state.undo();
  assert.equal(timers.takeDue(10), undefined);
  state.checkpoint();
  timers.set(timer);
  state.undo();
  timers.set(timer);
  assert.deepEqual(timers.takeDue(10), timer);
  assert.equal(timers.takeDue(10), undefined);
});

type Change = { type: 'set'; key: string; expires_ms: number } | { type: 'delete'; key: string } | Turn;
type Turn = { type: 'advance'; by_ms: number } | { type: 'fail' } | { type: 'commit' } | { type: 'restart' };

const change: fc.Arbitrary<Change> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      type: fc.constant('set' as const),
      key: fc.constantFrom('a', 'b', 'c', 'd'),
      expires_ms: fc.integer({ min: 0, max: 60_000 }),
    }),
  },
  fc.record({ type: fc.constant('delete' as const), key: fc.constantFrom('a', 'b', 'c', 'd') }),
  fc.record({ type: fc.constant('advance' as const), by_ms: fc.integer({ min: 0, max: 15_000 }) }),
  fc.constantFrom<Change>({ type: 'fail' }, { type: 'commit' }, { type: 'restart' }),
);

/** Runs the changes on a state and on a plain map, and compares at each step what expires, in which order. */
function checkExpiry(
  changes: Change[],
  open: (changelog: ReturnType<typeof changedTexts>) => TaskState,
): void {
  const changelog: ReturnType<typeof changedTexts> = [];
  let state = open([]);
  let model = new Map<string, number>();
  let before = new Map(model);
  let [watermark_ms, checkpoint_ms] = [-1, -1];
  for (const one of changes) {
    const store = state.expiring('a');
    if (one.type === 'set') {
      store.set(one.key, { expires_ms: one.expires_ms });
      model.set(one.key, one.expires_ms);
    } else if (one.type === 'delete') {
      store.delete(one.key);
      model.delete(one.key);
    } else if (one.type === 'advance') {
      watermark_ms += one.by_ms;
      const expired: [string, number][] = [];
      for (let due = store.takeDue(watermark_ms); due; due = store.takeDue(watermark_ms))
        expired.push([due[0], due[1].expires_ms]);
      const wanted = [...model].filter(([, expires_ms]) => expires_ms <= watermark_ms);
      for (const [key] of wanted) model.delete(key);
      assert.deepEqual(
        expired,
        wanted.sort(([a, x], [b, y]) => x - y || (a < b ? -1 : 1)),
      );
    } else if (one.type === 'fail') {
      state.undo();
      [model, watermark_ms] = [new Map(before), checkpoint_ms];
    } else {
      changelog.push(...changedTexts(state));
      if (one.type === 'restart') state = open(changelog);
    }
    if (one.type !== 'set' && one.type !== 'delete' && one.type !== 'advance') {
      state.checkpoint();
      [before, checkpoint_ms] = [new Map(model), watermark_ms];
    }
    const found = [...state.expiring('a').entries<Expiring>('')].map(([key, value]) => [
      key,
      value.expires_ms,
    ]);
    assert.deepEqual(new Map(found as [string, number][]), model);
  }
}

test('property: entries expire in order of time and key, exactly when they say, whatever was undone or restarted', () => {
  const open = (changelog: ReturnType<typeof changedTexts>) => {
    const state = new TaskState();
    for (const { key, value } of changelog) state.restore(key, value, STATE_FORMAT);
    return state;
  };
  fc.assert(fc.property(fc.array(change, { maxLength: 60 }), (changes) => checkExpiry(changes, open)));
});

test('the ledger counts what is settled, not what is dropped, and lives in the state', () => {
  const state = new TaskState();
  const ledger = new Ledger(state.store('$ledger'));
  ledger.count('feedback', TAKEN_IN, 1);
  ledger.count('feedback', 'pending', 1);
  ledger.settle();
  ledger.count('feedback', TAKEN_IN, 1);
  ledger.drop();
  ledger.settle();
  ledger.count('feedback', 'pending', -1);
  ledger.count('feedback', 'joined', 1);
  ledger.settle();
  assert.deepEqual(ledger.entries(), { feedback: { taken_in: 1, pending: 0, joined: 1 } });
  assert.deepEqual([ledger.has_news, state.has_changes], [true, false], 'it is written once per commit');
  ledger.save();
  assert.equal(ledger.has_news, false);
  const restored = new TaskState();
  for (const { key, value } of changedTexts(state)) restored.restore(key, value, STATE_FORMAT);
  assert.deepEqual(new Ledger(restored.store('$ledger')).entries(), ledger.entries());
  assert.deepEqual(addLedgers([ledger.entries(), { feedback: { joined: 2 }, stats: { late: 1 } }]), {
    feedback: { taken_in: 1, pending: 0, joined: 3 },
    stats: { late: 1 },
  });
});
