import assert from 'node:assert/strict';
import { it } from 'node:test';
import { rekey } from './rekey.ts';
import { sourceRecord, TestTask } from './testing.ts';

const NOW = Date.UTC(2024, 0, 1, 12);
const prediction = { timestamp: NOW, model_version: 'v1', deployment_id: 'spam' };

function keysOf(...values: (object | Buffer | null)[]) {
  const task = new TestTask([{ name: 'rekey', kind: rekey }]);
  for (const [offset, value] of values.entries()) {
    task.send('rekey', 'records', sourceRecord(value, { offset, timestamp_ms: NOW }));
  }
  return { keys: task.emissions.map(({ key }) => key), observed_ms: task.observed_ms, task };
}

it('keys predictions and feedback by prediction id, and tells their time', () => {
  const feedback = { prediction_id: 'p1', feedback_type: 'implicit', timestamp: NOW + 1 };
  const { keys, observed_ms } = keysOf({ ...prediction, prediction_id: 'p1' }, feedback);
  assert.deepEqual(keys, ['p1', 'p1']);
  assert.deepEqual(observed_ms, [NOW, NOW + 1]);
});

it('lets repetitions of an event without prediction id meet, and spreads what has none', () => {
  const { keys } = keysOf({ ...prediction, event_id: 'e1' }, { ...prediction, event_id: 'e1' }, prediction);
  assert.deepEqual(keys, ['e1', 'e1', 'records/0/2']);
});

it('hands on what it cannot read, untouched, and takes no time from it', () => {
  const ahead = { ...prediction, timestamp: '2099-01-01T00:00:00Z' };
  const { keys, observed_ms, task } = keysOf(Buffer.from('{'), null, ahead);
  assert.deepEqual(keys, ['records/0/0', 'records/0/1', 'records/0/2']);
  assert.deepEqual(observed_ms, []);
  const [first] = task.emitted<{ value: unknown }>('records');
  assert.deepEqual(first!.value, JSON.parse(JSON.stringify(Buffer.from('{'))));
});
