import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Alert } from '../messages/assessment.ts';
import type { Event } from '../messages/event.ts';
import type { WindowResult } from '../messages/window.ts';
import { severity } from './severity.ts';
import { type Emission, TestTask } from './testing.ts';
import { window } from './window.ts';
import type { WindowDelta } from './window_delta.ts';
import { windowPartial } from './window_partial.ts';

const NOON = Date.UTC(2024, 0, 1, 12);
const MINUTE = 60_000;

/** Both halves and severity in one task. A gap of an hour is cut into slices of a minute. */
class Story {
  readonly #task: TestTask;
  readonly #emissions: Emission[] = [];

  constructor(given: object = {}) {
    const config = { session: { gap: '1h' }, lateness: '6h', ...given };
    this.#task = new TestTask([
      { name: 'local', kind: windowPartial, config, to: { deltas: { actor: 'stats', input: 'deltas' } } },
      { name: 'stats', kind: window, config, to: { windows: { actor: 'severity', input: 'windows' } } },
      { name: 'severity', kind: severity, config: { lateness: '7h' } },
    ]);
  }

  /** Events at these minutes after noon, in one commit; what is told: from–to, revision, errors/events. */
  take(minutes: number[], given: Partial<Event> = {}): string[] {
    for (const minute of minutes)
      this.#task.send('local', 'events', {
        op: 'add',
        origin: 'feedback',
        time_ms: NOON + minute * MINUTE,
        deployment_id: 'spam',
        model_version: 'v1',
        ...given,
      });
    return this.#told();
  }

  until(minute: number): string[] {
    this.#task.advance(NOON + minute * MINUTE);
    return this.#told();
  }

  #told(): string[] {
    this.#emissions.push(...this.#task.commit());
    const results = this.#task.handed_on.splice(0).filter(({ output }) => output === 'windows');
    return results.map(({ value }) => {
      const { window_start, window_end, revision, final, low_ratings, total_events } = value as WindowResult;
      const provisional = final ? '' : ' so far';
      return `${minuteOf(window_start)}–${minuteOf(window_end)} r${revision}: ${low_ratings}/${total_events}${provisional}`;
    });
  }

  alerts(): string[] {
    const alerts = this.#emissions.filter(({ output }) => output === 'alerts');
    return alerts
      .map(({ value }) => value as Alert)
      .map(({ kind, window_start }) => `${kind} ${minuteOf(window_start)}`);
  }

  get ledger(): Record<string, number> {
    return this.#task.ledger.stats ?? {};
  }

  /** What was set aside: why, and the minute of its slice. */
  late(): [string, number][] {
    return this.#task.late.map(({ code, value }) => [code, minuteOf((value as WindowDelta).start_ms)]);
  }

  stateKeys(): string[] {
    return this.#task.stateKeys('stats');
  }
}

function minuteOf(time: number | string): number {
  return (new Date(time).getTime() - NOON) / MINUTE;
}

describe('session windows', () => {
  it('go on as long as events come within the gap, and end a gap after the last', () => {
    const story = new Story();
    assert.deepEqual(story.take([0, 50, 110, 300], { rating: 1 }), []);
    assert.deepEqual(story.until(170), []);
    assert.deepEqual(story.until(171), ['0–171 r0: 3/3']);
    assert.deepEqual(story.until(400), ['300–361 r0: 1/1']);
  });

  it('join when an event comes late between them: what was said of the second is taken back', () => {
    const story = new Story();
    story.take([0, 90], { rating: 1 });
    assert.deepEqual(story.until(200), ['0–61 r0: 1/1', '90–151 r0: 1/1']);
    assert.deepEqual(story.take([45], { rating: 1 }), ['90–151 r1: 0/0', '0–151 r1: 3/3']);
    assert.deepEqual(story.until(2000), []);
    assert.deepEqual(story.stateKeys(), []);
  });

  it('part when the event between them is taken back', () => {
    const story = new Story();
    story.take([0, 45, 90], { rating: 1 });
    assert.deepEqual(story.until(200), ['0–151 r0: 3/3']);
    assert.deepEqual(story.take([45], { rating: 1, op: 'retract' }), ['0–61 r1: 1/1', '90–151 r0: 1/1']);
    assert.deepEqual(story.take([0, 90], { rating: 1, op: 'retract' }), ['0–61 r2: 0/0', '90–151 r1: 0/0']);
  });

  it('have alerts that follow them: corrected when they join, resolved when they are no more', () => {
    const story = new Story();
    story.take([0, 90], { rating: 1 });
    story.until(200);
    story.take([45], { rating: 1 });
    story.take([-20], { rating: 1 });
    assert.deepEqual(story.alerts(), [
      'raise 0',
      'raise 90',
      'resolve 90',
      'correct 0',
      'resolve 0',
      'raise -20',
    ]);
  });

  it('that were told and go on after all are told anew before anybody forgets them', () => {
    const story = new Story();
    story.take([0], { rating: 1 });
    assert.deepEqual(story.until(70), ['0–61 r0: 1/1']);
    assert.deepEqual(story.take([50], { rating: 1 }), [], 'it is open again, until 111');
    for (let minute = 100; minute < 1000; minute += 50) {
      story.take([minute], { rating: 1 });
      const told = story.until(minute + 10);
      const expected = minute === 500 ? ['0–561 r1: 11/11 so far'] : [];
      if (minute < 900) assert.deepEqual(told, expected, `at ${minute}`);
    }
    story.until(2000);
    assert.deepEqual(story.alerts(), ['raise 0', 'correct 0']);
  });

  it('that never end take no more room than what may still be corrected', () => {
    const story = new Story({ lateness: '1h' });
    let most = 0;
    for (let minute = 0; minute < 600; minute++) {
      story.take([minute], {});
      story.until(minute);
      most = Math.max(most, story.stateKeys().length);
    }
    assert(most < 4 * 60, `${most} slices`);
    assert.deepEqual(story.until(5000), ['0–660 r0: 0/600']);
    assert.deepEqual(story.stateKeys(), []);
  });

  it('that need more slices than a task may keep are refused, visibly, and those that are there go on', () => {
    const story = new Story({ max_open_windows: 2, lateness: '1h' });
    story.take([0, 50], { rating: 1 });
    story.take([50, 100, 100], { rating: 1 });
    assert.deepEqual(story.ledger, { windowed: 3, refused: 2 });
    assert.deepEqual(story.late(), [['max_open_windows', 100]]);
    assert.deepEqual(story.until(111), ['0–111 r0: 3/3'], 'without what was refused');
    assert.deepEqual(story.until(1000), []);
    story.take([1000, 1001]);
    assert.deepEqual(story.until(2000), ['1000–1062 r0: 0/2'], 'there is room again');
    assert.deepEqual(story.ledger, { windowed: 5, refused: 2 });
  });

  it('tell what they have so far, where asked for', () => {
    const story = new Story({ provisional: '30m' });
    story.take([0, 5], { rating: 1 });
    assert.deepEqual(story.until(29), []);
    assert.deepEqual(story.until(30), ['0–66 r0: 2/2 so far']);
    assert.deepEqual(story.until(60), [], 'nothing has come since');
    assert.deepEqual(story.until(66), ['0–66 r1: 2/2']);
    assert.deepEqual(story.alerts(), ['raise 0'], 'only of what is final');
  });
});
