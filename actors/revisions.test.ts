import assert from 'node:assert/strict';
import { test } from 'node:test';
import { revisions } from './revisions.ts';
import { TestTask } from './testing.ts';

const END_MS = Date.parse('2026-01-01T00:05:00Z');
const LATENESS_MS = 3_600_000;

function revision(number: number, changed: object = {}) {
  return {
    window: 'stats',
    window_start: '2026-01-01T00:00:00Z',
    window_end: '2026-01-01T00:05:00Z',
    deployment_id: 'd',
    model_version: 'v',
    revision: number,
    final: true,
    ...changed,
  };
}

function task(which: 'first' | 'last') {
  const task = new TestTask([{ name: 'one', kind: revisions, config: { which, lateness: '1h' } }]);
  const send = (value: object) => task.send('one', 'assessments', value);
  const kept = () => task.emitted<{ revision: number }>('kept').map((value) => value.revision);
  return { task, send, kept };
}

test('the last revision passes once none can follow', () => {
  const { task: one, send, kept } = task('last');
  send(revision(0, { final: false }));
  send(revision(1));
  one.advance(END_MS + LATENESS_MS);
  send(revision(2));
  assert.deepEqual(kept(), []);
  one.advance(END_MS + LATENESS_MS + 1);
  assert.deepEqual(kept(), [2]);
  one.commit();
  assert.deepEqual(one.stateKeys('one'), []);
});

test('the first final revision passes at once, and no other', () => {
  const { task: one, send, kept } = task('first');
  send(revision(0, { final: false }));
  assert.deepEqual(kept(), []);
  for (const number of [1, 2, 3]) send(revision(number));
  assert.deepEqual(kept(), [1]);
  one.advance(END_MS + LATENESS_MS + 1);
  assert.deepEqual(kept(), [1]);
  assert.deepEqual(one.stateKeys('one'), []);
});

test('windows and keys have revisions of their own', () => {
  const { task: one, send, kept } = task('last');
  send(revision(1));
  send(revision(5, { model_version: 'w' }));
  send(revision(7, { window_start: '2026-01-01T00:01:00Z' }));
  one.advance(END_MS + LATENESS_MS + 1);
  assert.deepEqual(kept().toSorted(), [1, 5, 7]);
});
