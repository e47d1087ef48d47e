import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import fc from 'fast-check';
import { DiskStore, type StoreIdentity } from '../../engine/disk_store.ts';
import { STATE_FORMAT, TaskState } from '../../engine/state.ts';
import { temporaryFolder } from '../harness/embedded.ts';

const NOW_MS = Date.UTC(2026, 0, 1);
const HOUR_MS = 3_600_000;

function identityIn(t: TestContext): StoreIdentity {
  return { path: temporaryFolder(t), changelog: 'n.t.capture.changelog', partition: 3, cluster_id: 'c' };
}

const opened = (identity: StoreIdentity, now_ms = NOW_MS) => DiskStore.open(identity, () => now_ms);

/** What its commits wrote, and what a restart reads of it. */
class Changelog {
  readonly records: { key: string; value: string | null }[] = [];

  commit(state: TaskState): void {
    const { changes } = state.takeChanges();
    this.records.push(...changes);
    state.committed(changes, 'at_least_once');
  }

  replay(state: TaskState): number {
    const rest = this.records.slice(state.backend.next_offset);
    for (const { key, value } of rest) state.restore(key, value, STATE_FORMAT);
    state.backend.reached(this.records.length);
    return rest.length;
  }
}

async function reopened(identity: StoreIdentity, changelog: Changelog) {
  const { store, discarded } = await opened(identity);
  const state = new TaskState(store);
  for (const name of ['a', 'counts']) state.store(name);
  return { state, discarded, replayed: changelog.replay(state) };
}

test('a restart reads only what came after the store was written; what was not committed is not on disk', async (t) => {
  const identity = identityIn(t);
  const changelog = new Changelog();
  const first = await reopened(identity, changelog);
  const counts = first.state.store('counts');
  for (let index = 0; index < 25_000; index++) {
    counts.set(`k${index}`, index);
    if (index % 1_000 === 999) changelog.commit(first.state);
  }
  counts.set('k1', 'never committed');
  first.state.takeChanges();
  counts.set('k2', 'nor this');
  await first.state.close();

  const second = await reopened(identity, changelog);
  assert.deepEqual([second.discarded, second.replayed], [null, 0]);
  assert.equal(second.state.size, 25_000);
  const [one, two, last] = ['k1', 'k2', 'k24999'].map((key) => second.state.store('counts').get(key));
  assert.deepEqual([one, two, last], [1, 2, 24_999]);
  await second.state.close();
});

test('a store whose process died has what was written last, and reads the rest', async (t) => {
  const identity = identityIn(t);
  const changelog = new Changelog();
  const { state } = await reopened(identity, changelog);
  for (let index = 0; index < 12_000; index++) {
    state.store('counts').set(`k${index}`, index);
    if (index % 1_000 === 999) changelog.commit(state);
  }
  state.store('counts').delete('k0');
  changelog.commit(state);
  // It is not closed: the lock is still held, as by a process that was stopped.
  const heir = await reopened(identity, changelog);
  assert.equal(heir.replayed, 12_001, 'who finds it held begins anew, next to it');
  await heir.state.close();
  await state.close();
  assert.equal((await reopened(identity, changelog)).state.store('counts').get('k0'), undefined);
  const left = readdirSync(join(identity.path, 'n.t.capture.changelog-3.1'));
  assert.deepEqual(left, ['lock'], 'and what is left over is removed');
});

test('a store of another changelog, or cluster, and one too old is thrown away', async (t) => {
  const identity = identityIn(t);
  const changelog = new Changelog();
  const { state } = await reopened(identity, changelog);
  state.store('counts').set('k', 1);
  changelog.commit(state);
  await state.close();
  const folder = join(identity.path, 'n.t.capture.changelog-3', 'lmdb');

  const again = async (given: Partial<StoreIdentity>, now_ms = NOW_MS) => {
    const { store, discarded } = await opened({ ...identity, ...given }, now_ms);
    const next_offset = store.next_offset;
    await store.close();
    return { discarded, next_offset };
  };
  assert.deepEqual(await again({}, NOW_MS + 11 * HOUR_MS), { discarded: null, next_offset: 1 });
  assert.deepEqual(await again({ cluster_id: 'other' }), {
    discarded: 'it is of another cluster_id: c',
    next_offset: 0,
  });
  const late = await again({ cluster_id: 'other' }, NOW_MS + 24 * HOUR_MS);
  assert.deepEqual(late, { discarded: 'it was last written 24 hours ago', next_offset: 0 });
  writeFileSync(join(folder, '../attempts'), '1');
  assert.equal((await again({ cluster_id: 'other' })).discarded, null);
});

test('a store that ends the process that opens it is thrown away at the third attempt', async (t) => {
  const identity = identityIn(t);
  const { state } = await reopened(identity, new Changelog());
  await state.close();
  const folder = join(identity.path, 'n.t.capture.changelog-3', 'lmdb');
  writeFileSync(join(folder, 'data.mdb'), 'this is no database'.repeat(1_000));
  const program = `
    const { DiskStore } = await import(${JSON.stringify(new URL('../../engine/disk_store.ts', import.meta.url).href)});
    const { store, discarded } = await DiskStore.open(${JSON.stringify(identity)}, Date.now);
    await store.close();
    console.log(discarded);`;
  const ends = [1, 2, 3].map(() => spawnSync(process.execPath, ['--input-type=module', '-e', program]));
  assert.equal(ends[2]!.stdout.toString(), 'its process died 2 times after opening it\n');
  assert.deepEqual(
    ends.map(({ status }) => status === 0),
    [false, false, true],
  );
});

test('a full disk is told, and the next begins anew from the changelog', async (t) => {
  const identity = identityIn(t);
  const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=4m', 'tmpfs', identity.path]);
  if (mounted.status !== 0) {
    const reason = `only root can mount a small disk: ${mounted.stderr}`;
    if (process.env.CI === 'true') throw new Error(reason);
    console.error(`SKIPPED: ${t.name}: ${reason}`);
    t.skip(reason);
    return;
  }
  try {
    const changelog = new Changelog();
    const { state } = await reopened(identity, changelog);
    const fill = () => {
      for (let index = 0; index < 30_000; index++) {
        state.store('a').set(`k${index}`, 'x'.repeat(300));
        if (index % 1_000 === 999) changelog.commit(state);
      }
    };
    assert.throws(fill, { code: 'E_STATE_STORE' });
    await state.close();
    const { store, discarded } = await opened(identity);
    assert.deepEqual([discarded, store.next_offset], [null, 0]);
    await store.close();
  } finally {
    spawnSync('umount', [identity.path]);
  }
});

test('keys of any length and characters, and values that expire before 1970 or between two milliseconds', async (t) => {
  const identity = identityIn(t);
  const changelog = new Changelog();
  const { state } = await reopened(identity, changelog);
  const keys = ['', 'k', 'é'.repeat(2_000), 'x'.repeat(5_000), '\u0000', '\uffff', '__proto__'];
  for (const [index, key] of keys.entries()) {
    state.store('a').set(key, key.length);
    state.expiring('a').set(key, { expires_ms: [-1_000.5, -1, 0, 0.25, 0.5, 5e12, 6e12][index]! });
  }
  changelog.commit(state);
  await state.close();
  const again = await reopened(identity, changelog);
  assert.equal(again.replayed, 0);
  for (const key of keys) assert.equal(again.state.store('a').get(key), key.length);
  assert.deepEqual(
    new Map(again.state.store('a').entries('')),
    new Map(keys.map((key) => [key, key.length])),
  );
  const due: string[] = [];
  for (
    let next = again.state.expiring('a').takeDue(5e12);
    next;
    next = again.state.expiring('a').takeDue(5e12)
  )
    due.push(next[0]);
  assert.deepEqual(due, keys.slice(0, 6));
  await again.state.close();
});

type Step =
  | { type: 'set'; key: string; value: number }
  | { type: 'delete'; key: string }
  | { type: 'expire'; by_ms: number }
  | { type: 'fail' | 'commit' | 'write' | 'restart' };

const key = fc.constantFrom('a', 'b', 'c', 'd', 'e');
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ type: fc.constant('set' as const), key, value: fc.nat(60_000) }) },
  { weight: 2, arbitrary: fc.record({ type: fc.constant('delete' as const), key }) },
  fc.record({ type: fc.constant('expire' as const), by_ms: fc.nat(15_000) }),
  fc.constantFrom<Step>({ type: 'fail' }, { type: 'commit' }, { type: 'write' }, { type: 'restart' }),
);

test('property: on disk a state does what it does in memory, whatever is undone, committed, written or started again', async (t) => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 50 }), async (steps) => {
      const identity = identityIn(t);
      const changelog = new Changelog();
      let now_ms = NOW_MS;
      let disk = new TaskState((await DiskStore.open(identity, () => now_ms)).store);
      const memory = new TaskState();
      let watermark_ms = -1;
      const settle = (state: TaskState) => state.checkpoint();
      for (const one of steps) {
        if (one.type === 'set' || one.type === 'delete') {
          for (const state of [disk, memory]) {
            if (one.type === 'set') {
              state.store('plain').set(one.key, one.value);
              state.expiring('a').set(one.key, { expires_ms: one.value, by: 'a' });
            } else {
              state.store('plain').delete(one.key);
              state.expiring('a').delete(one.key);
            }
          }
        } else if (one.type === 'expire') {
          for (const state of [disk, memory]) settle(state);
          watermark_ms += one.by_ms;
          for (;;) {
            const [due, wanted] = [disk, memory].map((state) => state.expiring('a').takeDue(watermark_ms));
            assert.deepEqual(due, wanted);
            if (!due) break;
          }
          for (const state of [disk, memory]) settle(state);
        } else if (one.type === 'fail') {
          for (const state of [disk, memory]) state.undo();
        } else {
          changelog.commit(disk);
          memory.takeChanges();
          // More than a minute later it is written, however little it is.
          if (one.type === 'write') now_ms += 61_000;
          disk.committed([], 'at_least_once');
          if (one.type === 'restart') {
            await disk.close();
            disk = new TaskState((await DiskStore.open(identity, () => now_ms)).store);
            assert.equal(changelog.replay(disk), 0);
          }
        }
        const contents = (state: TaskState) => [
          new Map(state.store('plain').entries('')),
          new Map(state.expiring('a').entries('')),
        ];
        assert.deepEqual(contents(disk), contents(memory));
      }
      await disk.close();
    }),
    { numRuns: 60 },
  );
});
