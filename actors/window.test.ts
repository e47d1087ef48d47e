import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Event } from '../messages/event.ts';
import type { WindowResult } from '../messages/window.ts';
import { TestTask } from './testing.ts';
import { window } from './window.ts';
import type { WindowDelta } from './window_delta.ts';
import { windowPartial } from './window_partial.ts';

const NOON = Date.UTC(2024, 0, 1, 12);
const MINUTE = 60_000;

function eventOf(given: Partial<Event> = {}): Event {
  return {
    op: 'add',
    origin: 'feedback',
    time_ms: NOON,
    deployment_id: 'spam',
    model_version: 'v1',
    ...given,
  };
}

/** Both halves in one task: a delta reaches the window at the commit, before the window hears of that commit. */
function newTask(config: object = {}): TestTask {
  const both = { tumbling: '5m', lateness: '1h', ...config };
  return new TestTask([
    {
      name: 'stats.local',
      kind: windowPartial,
      config: both,
      to: { deltas: { actor: 'stats', input: 'deltas' } },
    },
    { name: 'stats', kind: window, config: both },
  ]);
}

function take(task: TestTask, ...events: Partial<Event>[]): void {
  for (const event of events) task.send('stats.local', 'events', eventOf(event));
}

function resultsOf(task: TestTask): string[] {
  return task
    .commit()
    .map(({ value }) => value as WindowResult)
    .map(
      ({ window_start, revision, total_events, low_ratings }) =>
        `${window_start.toString().slice(11, 16)} r${revision}: ${low_ratings}/${total_events}`,
    );
}

describe('window', () => {
  it('tells its result once, when the watermark reaches its end', () => {
    const task = newTask();
    take(task, { rating: 1 }, { time_ms: NOON + 5 * MINUTE - 1 }, { time_ms: NOON + 5 * MINUTE });
    assert.deepEqual(resultsOf(task), []);
    task.advance(NOON + 5 * MINUTE - 1);
    assert.deepEqual(resultsOf(task), []);
    task.advance(NOON + 5 * MINUTE);
    assert.deepEqual(resultsOf(task), ['12:00 r0: 1/2']);
    task.advance(NOON + 9 * MINUTE);
    assert.deepEqual(resultsOf(task), []);
  });

  it('tells all that it knows', () => {
    const task = newTask();
    const input_stats = { mean: 2, std: 1 };
    take(task, { rating: 1, time_to_action: 31, input_stats, latency_ms: 10 }, { latency_ms: 10 });
    task.commit();
    task.advance(NOON + 5 * MINUTE);
    const [emission] = task.commit();
    const { latency_ms, ...result } = emission!.value as WindowResult;
    assert.deepEqual(result, {
      topology: 'test',
      window: 'stats',
      key: { deployment_id: 'spam', model_version: 'v1' },
      window_start: '2024-01-01T12:00:00.000Z',
      window_end: '2024-01-01T12:05:00.000Z',
      revision: 0,
      final: true,
      completeness: 1,
      total_events: 2,
      low_ratings: 1,
      slow_actions: 1,
      error_rate: 1,
      input_mean: { count: 1, mean: 2, std: 0 },
      measures: {},
      pattern_counts: { mean_2_std_1: 1 },
      other_patterns: 0,
    });
    assert.equal(latency_ms.mean, 10);
    assert(Math.abs(latency_ms.p95! - 10) <= 0.1);
  });

  it('tells mean, deviation and quantiles of the fields it is asked for', () => {
    const task = newTask({ measures: ['rating', 'time_to_action', 'input_stats.min'] });
    take(task, { rating: 2, input_stats: { mean: 0, std: 1, min: -8 } }, { rating: 4 });
    task.commit();
    task.advance(NOON + 5 * MINUTE);
    const {
      rating,
      time_to_action,
      'input_stats.min': lowest,
    } = (task.commit()[0]!.value as WindowResult).measures;
    assert.deepEqual([rating!.count, rating!.mean, rating!.variance], [2, 3, 1]);
    assert.deepEqual([time_to_action!.count, time_to_action!.p50], [0, null]);
    assert(Math.abs(lowest!.p99! + 8) <= 0.08);
  });

  it('corrects itself once per commit that brought something, until the lateness is over', () => {
    const task = newTask();
    take(task, {});
    task.commit();
    task.advance(NOON + 5 * MINUTE);
    assert.deepEqual(resultsOf(task), ['12:00 r0: 0/1']);
    take(task, { rating: 1 }, { rating: 2 });
    assert.deepEqual(resultsOf(task), ['12:00 r1: 2/3']);
    assert.deepEqual(resultsOf(task), []);
    task.advance(NOON + 65 * MINUTE - 1);
    take(task, { rating: 1 });
    assert.deepEqual(resultsOf(task), ['12:00 r2: 3/4']);
    task.advance(NOON + 65 * MINUTE);
    take(task, { rating: 1 }, { rating: 1 });
    assert.deepEqual(resultsOf(task), []);
    assert.equal(task.late.length, 1);
    assert.deepEqual(task.ledger.stats, { windowed: 4, late: 2 });
    assert.deepEqual(task.stateKeys('stats'), []);
  });

  it('opens for the first time after its end, where all came late', () => {
    const task = newTask();
    task.advance(NOON + 30 * MINUTE);
    take(task, {});
    assert.deepEqual(resultsOf(task), ['12:00 r0: 0/1']);
  });

  it('tells the last correction also when the watermark jumps past the lateness before the commit', () => {
    const task = new TestTask([{ name: 'stats', kind: window, config: { lateness: '1h' } }]);
    const local = new TestTask([{ name: 'local', kind: windowPartial }]);
    local.send('local', 'events', eventOf({ rating: 1 }));
    const delta = local.commit()[0]!.value;
    task.send('stats', 'deltas', delta);
    task.advance(NOON + 5 * MINUTE);
    task.send('stats', 'deltas', delta);
    task.advance(NOON + 500 * MINUTE);
    assert.deepEqual(resultsOf(task), ['12:00 r0: 1/1', '12:00 r1: 2/2']);
    assert.deepEqual(task.stateKeys('stats'), []);
  });

  it('takes back what moved elsewhere; a window that nobody heard of stays untold, another is corrected', () => {
    const task = newTask();
    take(task, { rating: 1 });
    task.commit();
    take(task, { rating: 1, op: 'retract' }, { rating: 1, time_ms: NOON + 5 * MINUTE });
    task.commit();
    task.advance(NOON + 10 * MINUTE);
    assert.deepEqual(resultsOf(task), ['12:05 r0: 1/1']);
    take(task, { rating: 1, time_ms: NOON + 5 * MINUTE, op: 'retract' });
    assert.deepEqual(resultsOf(task), ['12:05 r1: 0/0']);
  });

  it('sends nothing for what was added and taken back within one commit', () => {
    const task = new TestTask([{ name: 'local', kind: windowPartial }]);
    for (const op of ['add', 'retract'] as const) task.send('local', 'events', eventOf({ op, rating: 1 }));
    assert.deepEqual(task.commit(), []);
  });

  it('counts predictions only with `over: all`', () => {
    for (const [over, expected] of [
      ['feedback', '12:00 r0: 0/1'],
      ['all', '12:00 r0: 0/2'],
    ] as const) {
      const task = newTask({ over });
      take(task, { origin: 'prediction' }, {});
      task.commit();
      task.advance(NOON + 5 * MINUTE);
      assert.deepEqual(resultsOf(task), [expected]);
    }
  });

  it('groups by the fields that it is told, and keeps keys apart that look alike when joined', () => {
    const task = newTask();
    take(
      task,
      { deployment_id: 'a","b', model_version: 'c' },
      { deployment_id: 'a', model_version: 'b","c' },
    );
    take(task, { model_version: 'v2' });
    task.commit();
    task.advance(NOON + 5 * MINUTE);
    assert.equal(task.commit().length, 3);
    const coarse = newTask({ by: ['deployment_id'] });
    take(coarse, { model_version: 'v1' }, { model_version: 'v2' });
    coarse.commit();
    coarse.advance(NOON + 5 * MINUTE);
    const [emission] = coarse.commit();
    assert.deepEqual((emission!.value as WindowResult).key, { deployment_id: 'spam' });
  });

  it('tells open windows when all inputs are read, once, and goes on when more comes', () => {
    const task = newTask();
    take(task, { rating: 1 });
    task.commit();
    task.allRead();
    assert.deepEqual(resultsOf(task), ['12:00 r0: 1/1']);
    task.allRead();
    assert.deepEqual(resultsOf(task), []);
    take(task, {});
    task.commit();
    task.advance(NOON + 5 * MINUTE);
    assert.deepEqual(resultsOf(task), ['12:00 r1: 1/2']);
  });

  it('says how much of what people may say can have been said', () => {
    const task = newTask({ feedback_horizon: '4m' });
    const predicted = { origin: 'prediction', is_joinable: true } as const;
    take(
      task,
      {},
      predicted,
      { ...predicted, time_ms: NOON + MINUTE },
      { ...predicted, time_ms: NOON + 4 * MINUTE },
    );
    take(task, { ...predicted, model_version: 'nobody speaks of it' });
    task.commit();
    const completeness = () => task.commit().map(({ value }) => (value as WindowResult).completeness);
    task.advance(NOON + 5 * MINUTE);
    assert.deepEqual(completeness(), [1 / 3], 'the second lies in the step that is just passing');
    task.advance(NOON + 6 * MINUTE);
    take(task, {});
    assert.deepEqual(completeness(), [2 / 3]);
    task.advance(NOON + 9 * MINUTE);
    take(task, {});
    assert.deepEqual(completeness(), [1]);
  });

  it('tells what it has so far whenever time passes a multiple of `provisional`, if that is news', () => {
    const task = newTask({ provisional: '1m' });
    const told = () =>
      task.commit().map(({ value }) => {
        const { revision, final, total_events } = value as WindowResult;
        return `r${revision}: ${total_events}${final ? '' : ' so far'}`;
      });
    take(task, {});
    assert.deepEqual(told(), []);
    task.advance(NOON + MINUTE);
    assert.deepEqual(told(), ['r0: 1 so far']);
    task.advance(NOON + 3 * MINUTE);
    assert.deepEqual(told(), [], 'nothing has come since');
    take(task, { time_ms: NOON + 3 * MINUTE });
    assert.deepEqual(told(), []);
    task.advance(NOON + 4.5 * MINUTE);
    assert.deepEqual(told(), ['r1: 2 so far']);
    task.advance(NOON + 5 * MINUTE);
    assert.deepEqual(told(), ['r2: 2'], 'the same once more, but final');
    take(task, { time_ms: NOON + 6.5 * MINUTE });
    task.commit();
    task.advance(NOON + 20 * MINUTE);
    assert.deepEqual(told(), ['r0: 1'], 'nothing provisional of what is over');
  });

  it('counts an event in every window that hops over it', () => {
    const task = newTask({ tumbling: undefined, hopping: { size: '15m', every: '5m' } });
    take(task, { rating: 1 }, { time_ms: NOON + 7 * MINUTE });
    task.commit();
    task.advance(NOON + 60 * MINUTE);
    assert.deepEqual(resultsOf(task), ['11:50 r0: 1/1', '11:55 r0: 1/2', '12:00 r0: 1/2', '12:05 r0: 0/1']);
    assert.deepEqual(task.ledger.stats, { windowed: 6 });
  });

  it('refuses to open more windows than allowed, visibly, and goes on with those that are open', () => {
    const task = newTask({ max_open_windows: 2, lateness: '5m' });
    take(task, {}, { model_version: 'v2' });
    task.commit();
    take(task, { rating: 1 }, { model_version: 'v3' }, { model_version: 'v3' });
    task.commit();
    assert.deepEqual(task.ledger.stats, { windowed: 3, refused: 2 });
    assert.deepEqual(
      task.late.map(({ code, value }) => [code, (value as WindowDelta).key.model_version]),
      [['max_open_windows', 'v3']],
    );
    task.advance(NOON + 5 * MINUTE);
    assert.deepEqual(resultsOf(task), ['12:00 r0: 1/2', '12:00 r0: 0/1']);
    task.advance(NOON + 10 * MINUTE);
    take(task, { model_version: 'v3', time_ms: NOON + 10 * MINUTE });
    task.advance(NOON + 15 * MINUTE);
    assert.deepEqual(resultsOf(task), ['12:10 r0: 0/1'], 'there is room again');
  });

  it('refuses a length of nothing', () => {
    assert.throws(() => newTask({ tumbling: '0s' }), { code: 'E_WINDOW_SIZE' });
  });
});
