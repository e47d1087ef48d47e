import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Alert, Assessment } from '../messages/assessment.ts';
import type { WindowResult } from '../messages/window.ts';
import { severity } from './severity.ts';
import { windowResult } from './test_messages.ts';
import { TestTask } from './testing.ts';

const WINDOW_END = Date.UTC(2024, 0, 1, 12, 5);
const HOUR = 3_600_000;

const calm = { total_events: 10, error_rate: 0.1, low_ratings: 1, pattern_counts: { mean_0_std_0: 10 } };
const alarming = { total_events: 10, error_rate: 0.5, low_ratings: 5, pattern_counts: { mean_0_std_0: 10 } };

function newTask(config: object = { lateness: '1h' }): TestTask {
  return new TestTask([{ name: 'severity', kind: severity, config }]);
}

function take(task: TestTask, ...windows: Partial<WindowResult>[]): void {
  for (const given of windows) task.send('severity', 'windows', windowResult(given));
}

function kindsOf(task: TestTask): string[] {
  return task.emitted<Alert>('alerts').map(({ kind, revision }) => `${kind} r${revision}`);
}

describe('severity', () => {
  it('judges what is provisional, and alerts on it only where told to', () => {
    for (const [alert_on, expected] of [
      ['final', ['raise r1']],
      ['provisional', ['raise r0', 'correct r1']],
    ] as const) {
      const task = newTask({ lateness: '1h', alert_on });
      take(task, { ...alarming, revision: 0, final: false }, { ...alarming, revision: 1 });
      assert.deepEqual(kindsOf(task), expected);
      const finals = task.emitted<Assessment>('assessments').map(({ final }) => final);
      assert.deepEqual(finals, [false, true]);
    }
  });

  it('tells windows of different kinds apart that begin at the same time', () => {
    const task = newTask();
    take(task, { ...alarming, window: 'short' }, { ...alarming, window: 'long' });
    assert.deepEqual(kindsOf(task), ['raise r0', 'raise r0']);
  });

  it('raises, corrects, resolves and raises again', () => {
    const task = newTask();
    take(task, { ...calm, revision: 0 }, { ...alarming, revision: 1 }, { ...alarming, revision: 2 });
    take(task, { ...calm, revision: 3 }, { ...calm, revision: 4 }, { ...alarming, revision: 5 });
    assert.deepEqual(kindsOf(task), ['raise r1', 'correct r2', 'resolve r3', 'raise r5']);
    assert.equal(task.emitted('assessments').length, 6);
  });

  it('says all seven published fields, times in ISO 8601, patterns an object', () => {
    const task = newTask();
    take(task, { ...alarming, window_start: Date.UTC(2024, 0, 1, 12), window_end: WINDOW_END });
    const { id, evidence, ...alert } = task.emitted<Alert>('alerts')[0]!;
    assert.deepEqual(alert, {
      window_start: '2024-01-01T12:00:00.000Z',
      window_end: '2024-01-01T12:05:00.000Z',
      total_events: 10,
      error_rate: 0.5,
      patterns: { mean_0_std_0: 10 },
      severity: 'high',
      recommended_action: 'retrain_on_pattern',
      topology: 'test',
      window: 'stats',
      revision: 0,
      deployment_id: 'spam',
      model_version: 'v1',
      class: 'unknown',
      kind: 'raise',
    });
    assert.match(id, /^alert-[0-9a-f]{16}$/);
    assert.equal(evidence.strategy, 'threshold');
  });

  it('gives each window, key, revision, actor and topology an id of its own, in every run the same', () => {
    const ids = [
      {},
      { revision: 1 },
      { window_start: '2024-01-01T12:05:00Z' },
      { key: { deployment_id: 'x' } },
    ].map((given) => {
      const once = newTask();
      const again = newTask();
      for (const task of [once, again]) take(task, { ...alarming, ...given });
      assert.deepEqual(once.emissions, again.emissions);
      return once.emitted<Alert>('alerts')[0]!.id;
    });
    const elsewhere = new TestTask([{ name: 'other', kind: severity }], { topology: 'test' });
    elsewhere.send('other', 'windows', windowResult(alarming));
    const abroad = new TestTask([{ name: 'severity', kind: severity }], { topology: 'abroad' });
    abroad.send('severity', 'windows', windowResult(alarming));
    for (const task of [elsewhere, abroad]) ids.push(task.emitted<Alert>('alerts')[0]!.id);
    assert.equal(new Set(ids).size, 6);
  });

  it('keeps windows apart', () => {
    const task = newTask();
    take(task, alarming, { ...alarming, key: { deployment_id: 'spam', model_version: 'v2' } });
    take(task, { ...alarming, window_start: '2024-01-01T12:05:00Z' });
    assert.deepEqual(kindsOf(task), ['raise r0', 'raise r0', 'raise r0']);
  });

  it('assesses a provisional result, but does not alert', () => {
    const task = newTask();
    take(task, { ...alarming, final: false });
    assert.deepEqual(kindsOf(task), []);
    assert.equal(task.emitted<Assessment>('assessments')[0]!.fires, true);
  });

  it('forgets a window after its last correction, not before', () => {
    const task = newTask();
    task.advance(WINDOW_END);
    take(task, alarming);
    task.advance(WINDOW_END + HOUR);
    take(task, { ...alarming, revision: 1 });
    assert.deepEqual(kindsOf(task), ['raise r0', 'correct r1']);
    task.advance(WINDOW_END + HOUR + 1);
    assert.deepEqual(task.stateKeys('severity'), []);
  });

  it('keeps nothing about a window that can no longer be corrected, or that never fired', () => {
    const task = newTask();
    take(task, calm);
    task.advance(WINDOW_END + 2 * HOUR);
    take(task, alarming);
    assert.deepEqual(task.stateKeys('severity'), []);
  });

  it('takes numbers of its own, the others staying as published', () => {
    const task = newTask({ strategies: [{ threshold: { error_rate_above: 0.05 } }] });
    take(task, calm);
    assert.deepEqual(kindsOf(task), ['raise r0']);
    assert.equal(task.emitted<Alert>('alerts')[0]!.severity, 'high');
  });
});
