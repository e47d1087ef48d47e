import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Event } from '../messages/event.ts';
import type { Outcome } from '../messages/outcome.ts';
import { capture } from './capture.ts';
import { sourceRecord, TestTask, type TestTaskOptions } from './testing.ts';

const NOON = Date.UTC(2024, 0, 1, 12);
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

const prediction = {
  prediction_id: 'p1',
  timestamp: NOON,
  model_version: 'v1',
  deployment_id: 'spam',
  input_stats: { mean: 1.5, std: 0.5 },
  latency_ms: 12,
  output: 'spam',
};
const feedback = {
  prediction_id: 'p1',
  feedback_type: 'explicit',
  timestamp: NOON + MINUTE,
  rating: 1,
};

function newTask(config: object = {}, options: TestTaskOptions = {}): TestTask {
  return new TestTask([{ name: 'capture', kind: capture, config }], options);
}

function take(task: TestTask, value: object | Buffer | null, given: object = {}): void {
  task.send('capture', 'records', sourceRecord(value, given));
}

function eventsOf(task: TestTask): string[] {
  return task
    .emitted<Event>('events')
    .map(
      ({ op, origin, deployment_id, model_version, rating }) =>
        `${op} ${origin} ${deployment_id}/${model_version}${rating ? ` rated ${rating}` : ''}`,
    );
}

/** What stands in the ledger; dispositions from which all have moved on are left out. */
function ledgerOf(task: TestTask, account = 'records'): Record<string, number> {
  return Object.fromEntries(Object.entries(task.ledger[account] ?? {}).filter(([, count]) => count !== 0));
}

describe('capture: joining', () => {
  it('counts feedback under its prediction, with the input statistics and latency of that', () => {
    const task = newTask();
    take(task, prediction);
    take(task, feedback);
    assert.deepEqual(eventsOf(task), ['add prediction spam/v1', 'add feedback spam/v1 rated 1']);
    assert.deepEqual(task.emitted<Event>('events')[1], {
      op: 'add',
      origin: 'feedback',
      time_ms: NOON + MINUTE,
      deployment_id: 'spam',
      model_version: 'v1',
      rating: 1,
      input_stats: { mean: 1.5, std: 0.5 },
      latency_ms: 12,
    });
    assert.deepEqual(ledgerOf(task), { joined: 2 });
  });

  it('counts early feedback at once, and moves it when its prediction comes', () => {
    const task = newTask();
    take(task, feedback);
    take(task, { ...feedback, deployment_id: 'spam', model_version: 'v0', rating: 2 });
    assert.deepEqual(ledgerOf(task), { pending: 2 });
    take(task, prediction);
    assert.deepEqual(eventsOf(task), [
      'add feedback unknown/unknown rated 1',
      'add feedback spam/v0 rated 2',
      'add prediction spam/v1',
      'retract feedback unknown/unknown rated 1',
      'add feedback spam/v1 rated 1',
      'retract feedback spam/v0 rated 2',
      'add feedback spam/v1 rated 2',
    ]);
    assert.deepEqual(ledgerOf(task), { joined: 3 });
  });

  it('prefers the input statistics that the feedback brings', () => {
    const task = newTask();
    take(task, prediction);
    take(task, { ...feedback, input_stats: { mean: 9, std: 9 } });
    assert.deepEqual(task.emitted<Event>('events')[1]!.input_stats, { mean: 9, std: 9 });
  });

  it('joins by event time: up to `wait` apart, on either side, and not beyond', () => {
    for (const [apart_ms, disposition] of [
      [HOUR, 'joined'],
      [-HOUR, 'joined'],
      [HOUR + 1, 'pending'],
      [-HOUR - 1, 'pending'],
    ] as const) {
      for (const order of ['prediction first', 'feedback first']) {
        const task = newTask({ join: { wait: '1h' } });
        if (order === 'prediction first') take(task, prediction);
        take(task, { ...feedback, timestamp: NOON + apart_ms });
        if (order === 'feedback first') take(task, prediction);
        assert.deepEqual(ledgerOf(task), { [disposition]: 2 }, `${order}, ${apart_ms} ms apart`);
      }
    }
  });

  it('gives up waiting once nothing on time can come any more, and keeps no state behind', () => {
    const task = newTask({ join: { wait: '1h' }, lateness: '2h' });
    take(task, { ...prediction, prediction_id: 'lonely' });
    take(task, { ...feedback, prediction_id: 'early', event_id: 'e1' });
    take(task, prediction);
    take(task, { ...feedback, event_id: 'e1' });
    task.advance(NOON + 3 * HOUR - 1);
    assert.deepEqual(ledgerOf(task), { pending: 2, joined: 2 });
    task.advance(NOON + 3 * HOUR + MINUTE);
    assert.deepEqual(ledgerOf(task), { expired: 2, joined: 2 });
    assert.deepEqual(task.stateKeys('capture'), []);
  });

  it('tells an id that is used again from the one that expired', () => {
    const task = newTask({ join: { wait: '1h' }, lateness: '0ms' });
    take(task, feedback);
    task.advance(NOON + HOUR + MINUTE);
    take(task, { ...feedback, timestamp: NOON + 2 * HOUR });
    take(task, { ...prediction, timestamp: NOON + 2 * HOUR });
    assert.deepEqual(ledgerOf(task), { expired: 1, joined: 2 });
    task.advance(NOON + 9 * HOUR);
    assert.deepEqual(ledgerOf(task), { expired: 1, joined: 2 });
    assert.deepEqual(task.stateKeys('capture'), []);
  });

  it('keeps apart what waits for one prediction, however odd its id', () => {
    const task = newTask({ join: { wait: '1h' }, lateness: '0ms' });
    for (const prediction_id of ['0|x', 'x', '|', '__proto__']) {
      take(task, { ...feedback, prediction_id });
      take(task, { ...feedback, prediction_id });
    }
    take(task, { ...prediction, prediction_id: 'x' });
    take(task, { ...prediction, prediction_id: '__proto__' });
    assert.deepEqual(ledgerOf(task), { joined: 6, pending: 4 });
    task.advance(NOON + 9 * HOUR);
    assert.deepEqual(task.stateKeys('capture'), []);
    assert.deepEqual(ledgerOf(task), { joined: 6, expired: 4 });
  });
});

describe('capture: the ledger', () => {
  it('takes a prediction without id as unjoinable, and counts it', () => {
    const task = newTask();
    take(task, { ...prediction, prediction_id: null });
    assert.deepEqual(eventsOf(task), ['add prediction spam/v1']);
    assert.deepEqual(ledgerOf(task), { unjoinable: 1 });
  });

  it('finds duplicates by prediction id and event id, and never takes feedback without event id for one', () => {
    const task = newTask();
    take(task, prediction);
    take(task, { ...prediction, model_version: 'v2' });
    take(task, { ...feedback, event_id: 'e1' });
    take(task, { ...feedback, event_id: 'e1' });
    take(task, { ...feedback, event_id: 'e2' });
    take(task, feedback);
    take(task, feedback);
    take(task, { ...prediction, prediction_id: undefined, event_id: 'e1' });
    take(task, { ...prediction, prediction_id: undefined, event_id: 'e1' });
    assert.deepEqual(ledgerOf(task), { joined: 5, duplicate: 3, unjoinable: 1 });
    assert.equal(task.emissions.length, 6);
  });

  it('sends bad records, those from 2099 and those in a wrong partition to the dead letters', () => {
    const task = newTask({ max_ahead: '10m' }, { isAtHome: ({ prediction_id }) => prediction_id === 'p1' });
    take(task, Buffer.from('{'), { source: 'feedback' });
    take(task, { ...prediction, timestamp: '2099-01-01T00:00:00Z' }, { timestamp_ms: NOON });
    take(task, { ...prediction, prediction_id: 'p2' });
    assert.deepEqual(
      task.dead_letters.map(({ reason }) => reason.code),
      ['not_json', 'timestamp_ahead', 'wrong_partition'],
    );
    assert.deepEqual(ledgerOf(task, 'feedback'), { dead_lettered: 1 });
    assert.deepEqual(ledgerOf(task), { dead_lettered: 2 });
    assert.deepEqual(task.observed_ms, [], 'a bad record moves no watermark');
    assert.deepEqual(task.emissions, []);
  });

  it('takes a timestamp exactly `max_ahead` ahead, and compares with the wall clock where Kafka has none', () => {
    const task = newTask({ max_ahead: '10m' }, { now_ms: NOON });
    take(task, { ...feedback, timestamp: NOON + 10 * MINUTE }, { timestamp_ms: NOON });
    take(task, { ...feedback, timestamp: NOON + 10 * MINUTE + 1 }, { timestamp_ms: NOON });
    take(task, { ...feedback, timestamp: NOON + 10 * MINUTE + 1 }, { timestamp_ms: -1 });
    assert.deepEqual(ledgerOf(task), { pending: 1, dead_lettered: 2 });
  });

  it('counts each record by itself where nothing is joined', () => {
    const task = newTask({ join: 'none' });
    take(task, prediction);
    take(task, { ...feedback, deployment_id: 'spam', model_version: 'v1' });
    take(task, feedback);
    assert.deepEqual(eventsOf(task), [
      'add prediction spam/v1',
      'add feedback spam/v1 rated 1',
      'add feedback unknown/unknown rated 1',
    ]);
    assert.deepEqual(ledgerOf(task), { unjoinable: 3 });
  });

  it('sends what is older than the lateness to the late topic', () => {
    const task = newTask({ lateness: '1h' });
    task.advance(NOON + HOUR);
    take(task, prediction);
    take(task, { ...feedback, timestamp: NOON - 1 });
    assert.deepEqual(ledgerOf(task), { pending: 1, late: 1 });
    assert.deepEqual(
      task.late.map(({ key }) => key),
      ['p1'],
    );
    assert.deepEqual(eventsOf(task), ['add prediction spam/v1']);
  });
});

describe('capture: outcomes', () => {
  function outcomesOf(task: TestTask) {
    return task
      .emitted<Outcome>('outcomes')
      .map(({ verdict, previous }) => [previous?.verdict?.score ?? null, verdict?.score ?? null]);
  }

  it('tells what became of a prediction, first nothing, then each later word', () => {
    const task = newTask({ outcomes: true });
    take(task, prediction);
    take(task, { ...feedback, rating: 5, timestamp: NOON + 2 * MINUTE });
    take(task, { ...feedback, rating: 1, timestamp: NOON + MINUTE });
    take(task, { ...feedback, rating: null, comment: 'hm', timestamp: NOON + 4 * MINUTE });
    take(task, { ...feedback, label: 'ham', user_id: 'u1', timestamp: NOON + 3 * MINUTE });
    assert.deepEqual(outcomesOf(task), [
      [null, null],
      [null, 1],
      [1, -1],
    ]);
    assert.deepEqual(task.emitted<Outcome>('outcomes')[2], {
      prediction_id: 'p1',
      prediction_time_ms: NOON,
      time_ms: NOON + 3 * MINUTE,
      prediction,
      verdict: {
        score: -1,
        bad: true,
        by: 'explicit',
        user_id: 'u1',
        time_ms: NOON + 3 * MINUTE,
        label: 'ham',
      },
      previous: { verdict: { score: 1, bad: false, by: 'explicit', time_ms: NOON + 2 * MINUTE } },
    });
  });

  it('hears early feedback when the prediction comes', () => {
    const task = newTask({ outcomes: true });
    take(task, { ...feedback, label: 'ham', rating: null, timestamp: NOON + MINUTE });
    take(task, { ...feedback, rating: 4, timestamp: NOON });
    take(task, prediction);
    assert.deepEqual(outcomesOf(task), [[null, -1]]);
  });

  it('tells nothing, and keeps no inputs, where nobody asked', () => {
    const task = newTask();
    take(task, prediction);
    take(task, feedback);
    assert.deepEqual(outcomesOf(task), []);
  });
});
