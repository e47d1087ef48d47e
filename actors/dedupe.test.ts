import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { dedupe, ID_HEADER } from './dedupe.ts';
import { sourceRecord, TestTask } from './testing.ts';

const HOUR_MS = 3_600_000;

function taskOf(): { pass(id: string, timestamp_ms: number): void; passed(): number; task: TestTask } {
  const task = new TestTask([{ name: 'dedupe', kind: dedupe, config: { window: '1h' } }]);
  return {
    task,
    pass(id, timestamp_ms) {
      task.send(
        'dedupe',
        'records',
        sourceRecord({ id }, { timestamp_ms, headers: { [ID_HEADER]: id, a: 'b' } }),
      );
      task.advance(Math.max(...task.observed_ms));
    },
    passed: () => task.emitted('records').length,
  };
}

test('a record passes once, without what only the bridge needs, and its repetitions are counted', () => {
  const { pass, passed, task } = taskOf();
  pass('m1', 0);
  pass('m2', 1);
  pass('m1', 2);
  assert.equal(passed(), 2);
  const [{ headers }] = task.emitted<{ headers: object }>('records') as [{ headers: object }];
  assert.deepEqual(headers, { a: 'b' });
  assert.deepEqual(task.ledger.records, { passed_on: 2, duplicate: 1 });
});

test('what is older than the window when it comes, out of a backlog, is remembered too', () => {
  const { pass, passed } = taskOf();
  pass('new', 10 * HOUR_MS);
  pass('old', 0);
  pass('newer', 10 * HOUR_MS + 1);
  pass('old', 0);
  assert.equal(passed(), 3);
});

test('in whatever order they come, none is lost, and none passes twice within the window', () => {
  const record = fc.record({
    id: fc.integer({ min: 0, max: 8 }),
    wait_ms: fc.integer({ min: 0, max: HOUR_MS / 2 }),
  });
  fc.assert(
    fc.property(fc.array(record), (records) => {
      const { pass, passed, task } = taskOf();
      const passed_at = new Map<number, number>();
      let now_ms = 0;
      for (const { id, wait_ms } of records) {
        now_ms += wait_ms;
        const before = passed();
        // Each id has the time at which it was published, long ago or in the future of others.
        pass(String(id), Math.max(now_ms - id * HOUR_MS, 0));
        if (passed() === before) assert.ok(passed_at.has(id));
        else {
          const at_ms = Math.max(...task.observed_ms);
          const last_ms = passed_at.get(id);
          assert.ok(last_ms === undefined || at_ms - last_ms >= HOUR_MS, `${id} twice within the window`);
          passed_at.set(id, at_ms);
        }
      }
      assert.equal(passed_at.size, new Set(records.map(({ id }) => id)).size);
    }),
  );
});
