import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Evaluation } from '../messages/evaluation.ts';
import type { Rollout } from '../messages/rollout.ts';
import { rollout } from './rollout.ts';
import { comparison, evaluation } from './test_messages.ts';
import { TestTask } from './testing.ts';

function newTask(): TestTask {
  return new TestTask([{ name: 'rollout', kind: rollout }]);
}

function recordsAfter(task: TestTask, ...evaluations: Partial<Evaluation>[]): Rollout[] {
  for (const given of evaluations) task.send('rollout', 'evaluations', evaluation(given));
  return task.commit().map(({ value }) => value as Rollout);
}

describe('rollout', () => {
  it('promotes a candidate that is better, with the comparison and where it came from', () => {
    const [record] = recordsAfter(newTask(), {});
    const { id, reason, ...said } = record!;
    assert.deepEqual(said, {
      topology: 'test',
      deployment_id: 'spam',
      kind: 'promote',
      model_version: 'v2',
      previous: 'v1',
      job_id: 'job-1',
      alert_id: 'alert-1',
      time: '2024-01-01T12:05:00.000Z',
      recent: comparison(),
      older: comparison(),
    });
    assert.match(id, /^rollout-[0-9a-f]{16}$/);
    assert.match(reason, /10\.0 % errors against 30\.0 %/);
  });

  it('records a rejection with its reason', () => {
    const worse = comparison({ candidate_error: 0.4 });
    const [record] = recordsAfter(newTask(), { recent: worse });
    assert.equal(record!.kind, 'reject');
    assert.match(record!.reason, /not better on recent data/);
  });

  it('records a training that failed', () => {
    const failed = { candidate: null, recent: null, older: null, failure: 'one class only' };
    const [record] = recordsAfter(newTask(), failed);
    assert.deepEqual(
      [record!.kind, record!.model_version, record!.reason],
      ['reject', null, 'one class only'],
    );
  });

  it('decides each job once', () => {
    const task = newTask();
    assert.equal(recordsAfter(task, {}, {}).length, 1);
    assert.equal(recordsAfter(task, {}).length, 0);
  });

  it('rejects a lead over a version that is no longer served', () => {
    const task = newTask();
    recordsAfter(task, {});
    const [stale, good] = recordsAfter(
      task,
      { job_id: 'job-2', candidate: 'v3', champion: 'v1' },
      { job_id: 'job-3', candidate: 'v3', champion: 'v2' },
    );
    assert.deepEqual([stale!.kind, stale!.previous], ['reject', 'v2']);
    assert.match(stale!.reason, /compared with v1, but v2 is served/);
    assert.deepEqual([good!.kind, good!.previous], ['promote', 'v2']);
  });

  it('keeps deployments apart, and what it remembers small', () => {
    const task = newTask();
    recordsAfter(task, {}, { deployment_id: 'other', champion: 'v9', job_id: 'job-2' });
    const failures = Array.from({ length: 300 }, (_, index) => ({ job_id: `job ${index}`, champion: 'v2' }));
    assert.equal(recordsAfter(task, ...failures).length, 300);
    assert.deepEqual(task.stateKeys('rollout'), ['d|spam', 'd|other']);
  });
});
