import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { assignTasks, isForming, type Member, splitTaskId, type TaskId, taskId } from './assignment.ts';

const stages = fc.uniqueArray(fc.constantFrom('capture', 'stats', 'retraining', 'intake'), { minLength: 1 });
const tasksOf = (names: string[], partitions: number): TaskId[] =>
  names.flatMap((stage) => Array.from({ length: partitions }, (_, partition) => taskId(stage, partition)));

const group = fc
  .record({
    names: stages,
    partitions: fc.integer({ min: 1, max: 8 }),
    members: fc.integer({ min: 1, max: 6 }),
  })
  .chain(({ names, partitions, members }) => {
    const tasks = tasksOf(names, partitions);
    const member = (index: number): fc.Arbitrary<Member> =>
      fc.subarray(tasks).map((owned) => ({ member_id: `m${index}`, owned }));
    return fc.record({
      tasks: fc.constant(tasks),
      members: fc.tuple(...Array.from({ length: members }, (_, index) => member(index))),
    });
  });

test('every task has exactly one member and the load differs by at most one', () => {
  fc.assert(
    fc.property(group, ({ tasks, members }) => {
      const assigned = assignTasks(tasks, members);
      assert.deepEqual([...assigned.values()].flat().sort(), [...tasks].sort());
      const counts = [...assigned.values()].map((own) => own.length);
      assert.ok(Math.max(...counts) - Math.min(...counts) <= 1, counts.join());
    }),
  );
});

test('when nothing changed, nothing moves', () => {
  fc.assert(
    fc.property(group, ({ tasks, members }) => {
      const first = assignTasks(tasks, members);
      const again = assignTasks(
        tasks,
        members.map(({ member_id }) => ({ member_id, owned: first.get(member_id)! })),
      );
      assert.deepEqual(again, first);
    }),
  );
});

test('when a member leaves, the others keep what they have', () => {
  fc.assert(
    fc.property(group, ({ tasks, members }) => {
      fc.pre(members.length > 1);
      const before = assignTasks(tasks, members);
      const [, ...rest] = members.map(({ member_id }) => ({ member_id, owned: before.get(member_id)! }));
      const after = assignTasks(tasks, rest);
      for (const { member_id, owned } of rest)
        for (const task of owned) assert.ok(after.get(member_id)!.includes(task), `${task} moved`);
    }),
  );
});

test('a member that joins gets its share and moves no more than that', () => {
  const tasks = tasksOf(['capture', 'stats'], 4);
  const alone = assignTasks(tasks, [{ member_id: 'a', owned: [] }]).get('a')!;
  const both = assignTasks(tasks, [
    { member_id: 'a', owned: alone },
    { member_id: 'b', owned: [] },
  ]);
  assert.equal(both.get('a')!.length, 4);
  assert.equal(both.get('b')!.length, 4);
  assert.equal(both.get('b')!.filter((task) => splitTaskId(task).stage === 'stats').length, 2);
});

test('a group that runs nothing waits until all members of a process have joined', () => {
  const member = (name: string, process_id: string, owned: TaskId[] = []) => {
    return { member_id: name, process_id, process_workers: 2, owned };
  };
  assert.equal(isForming([member('a', 'p')]), true);
  assert.equal(isForming([member('a', 'p'), member('b', 'p')]), false);
  assert.equal(isForming([member('a', 'p'), member('b', 'p'), member('c', 'q')]), true);
  assert.equal(
    isForming([member('a', 'p', ['capture/0'])]),
    false,
    'the other one died: what is left goes on',
  );
  assert.equal(isForming([member('a', 'p', ['capture/0']), member('c', 'q')]), false);
});
