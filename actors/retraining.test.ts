import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Alert } from '../messages/assessment.ts';
import type { Rollout } from '../messages/rollout.ts';
import type { TrainingJob } from '../messages/training_job.ts';
import { parseComparator } from './comparator.ts';
import { retraining } from './retraining.ts';
import { alert, rolloutRecord } from './test_messages.ts';
import { TestTask } from './testing.ts';

function newTask(config: object = {}): TestTask {
  return new TestTask([
    { name: 'retraining', kind: retraining, config: { trainer: 'text_logistic', ...config } },
  ]);
}

function jobsAfter(task: TestTask, ...alerts: Partial<Alert>[]): TrainingJob[] {
  for (const given of alerts) task.send('retraining', 'alerts', alert(given));
  return task.emissions.splice(0).map(({ value }) => value as TrainingJob);
}

function hear(task: TestTask, given: Partial<Rollout>): void {
  task.send('retraining', 'rollouts', rolloutRecord(given));
}

/** An alert about the window that ends so many minutes after the usual one. */
function later(minutes: number, given: Partial<Alert> = {}): Partial<Alert> {
  const end_ms = Date.UTC(2024, 0, 1, 12, 5 + minutes);
  const [window_start, window_end] = [end_ms - 300_000, end_ms].map((time_ms) =>
    new Date(time_ms).toISOString(),
  );
  return { window_start: window_start!, window_end: window_end!, id: `alert+${minutes}`, ...given };
}

describe('retraining: the trigger', () => {
  it('asks for a job that names its alert and focuses on the problem patterns, most frequent first', () => {
    const [job, ...others] = jobsAfter(newTask(), { patterns: { b: 200, a: 200, c: 300 } });
    assert.deepEqual(others, []);
    const { job_id, seed, ...said } = job!;
    assert.deepEqual(said, {
      alert_id: 'alert-1',
      topology: 'test',
      deployment_id: 'spam',
      champion: 'v1',
      window_start: '2024-01-01T12:00:00.000Z',
      window_end: '2024-01-01T12:05:00.000Z',
      patterns: ['c', 'a', 'b'],
    });
    assert.match(job_id, /^job-[0-9a-f]{16}$/);
    assert(Number.isInteger(seed) && seed >= 0 && seed < 2 ** 32);
  });

  it('triggers above an error rate of 0.3 and 1000 events, at severity high', () => {
    assert.equal(jobsAfter(newTask(), { error_rate: 0.3 }).length, 0);
    assert.equal(jobsAfter(newTask(), { error_rate: 0.300001 }).length, 1);
    assert.equal(jobsAfter(newTask(), { total_events: 1000 }).length, 0);
    assert.equal(jobsAfter(newTask(), { severity: 'medium' }).length, 0);
    assert.equal(jobsAfter(newTask(), { kind: 'resolve' }).length, 0);
    assert.equal(jobsAfter(newTask(), { kind: 'correct' }).length, 1);
  });

  it('takes other numbers and several severities', () => {
    const when = { error_rate: '>= 0.1', severity: ['medium', 'high'], total_events: '> 10' };
    const mild: Partial<Alert> = { error_rate: 0.1, severity: 'medium', total_events: 11 };
    assert.equal(jobsAfter(newTask({ when }), mild).length, 1);
    assert.equal(jobsAfter(newTask({ when }), { ...mild, severity: 'low' }).length, 0);
  });
});

describe('retraining: never twice', () => {
  it('starts one job for an alert, its repetition and its corrections', () => {
    const task = newTask({ cooldown: '0s' });
    assert.equal(jobsAfter(task, {}, {}, { kind: 'correct', revision: 1, id: 'alert-2' }).length, 1);
    hear(task, { kind: 'reject', job_id: 'unknown' });
    const [first] = jobsAfter(newTask(), {});
    hear(task, { kind: 'reject', job_id: first!.job_id });
    assert.equal(jobsAfter(task, { kind: 'correct', revision: 2, id: 'alert-3' }).length, 0);
    assert.equal(jobsAfter(task, later(5)).length, 1);
  });

  it('derives the job from the window, whichever revision called for it', () => {
    const [job] = jobsAfter(newTask(), {});
    const [same] = jobsAfter(newTask(), { kind: 'correct', revision: 7, id: 'alert-8' });
    const [other] = jobsAfter(newTask(), later(5));
    assert.deepEqual([same!.job_id, same!.seed], [job!.job_id, job!.seed]);
    assert.notEqual(other!.job_id, job!.job_id);
  });

  it('has one job under way per deployment, until its rollout is recorded', () => {
    const task = newTask({ cooldown: '0s' });
    const [job] = jobsAfter(task, {});
    assert.equal(jobsAfter(task, later(60)).length, 0);
    assert.equal(jobsAfter(task, { deployment_id: 'other' }).length, 1);
    hear(task, { job_id: 'another', kind: 'reject' });
    assert.equal(jobsAfter(task, later(60)).length, 0);
    hear(task, { job_id: job!.job_id, kind: 'reject' });
    assert.equal(jobsAfter(task, later(60)).length, 1);
  });

  it('cools down by the ends of windows, and does not go back', () => {
    const task = newTask({ cooldown: '1h' });
    const [job] = jobsAfter(task, {});
    hear(task, { job_id: job!.job_id, kind: 'reject' });
    assert.equal(jobsAfter(task, later(59), later(-120)).length, 0);
    assert.equal(jobsAfter(task, later(60)).length, 1);
  });

  it('ignores alerts about a version that is no longer served', () => {
    const task = newTask({ cooldown: '0s' });
    const [job] = jobsAfter(task, {});
    hear(task, { job_id: job!.job_id, kind: 'promote', model_version: 'v2' });
    assert.equal(jobsAfter(task, later(60)).length, 0);
    const [next] = jobsAfter(task, later(60, { model_version: 'v2' }));
    assert.equal(next!.champion, 'v2');
  });

  it('takes an alert about all versions for one about the served', () => {
    const task = newTask();
    hear(task, { job_id: null, model_version: 'v2' });
    const [job] = jobsAfter(task, { model_version: '*' });
    assert.equal(job!.champion, 'v2');
  });
});

describe('comparisons', () => {
  it('are what they look like', () => {
    const holdsFor = (text: string) => [1, 2, 3].filter(parseComparator(text));
    assert.deepEqual(['> 2', '>= 2', '<2', ' <=2 ', '= 2.0'].map(holdsFor), [[3], [2, 3], [1], [1, 2], [2]]);
    assert.deepEqual(holdsFor('> -1'), [1, 2, 3]);
  });

  it('refuse anything else', () => {
    for (const text of ['2', '=> 2', '> two', '', '> 1e3', '== 2']) {
      assert.throws(() => parseComparator(text), { code: 'E_COMPARATOR' });
    }
  });
});
