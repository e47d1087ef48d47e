import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Mail } from './mails.ts';
import { type Mailbox, replay } from './replay.ts';

const DAY_MS = 86_400_000;
const WEEK_MS = 7 * DAY_MS;
const MONDAY_MS = 4 * DAY_MS + WEEK_MS * 1650; // windows begin at multiples of a week since 1970, a Thursday

function mail(id: string, day: number): Mail {
  return { id, time_ms: MONDAY_MS + day * DAY_MS, label: 'ham', from: '', subject: '', body: '' };
}

/** Records what happens, in order. */
function recorder(): { log: string[]; mailbox: Mailbox } {
  const log: string[] = [];
  const day = (time_ms: number) => (time_ms - MONDAY_MS) / DAY_MS;
  return {
    log,
    mailbox: {
      receive: async ({ id }) => {
        log.push(`mail ${id}`);
        return { prediction_id: id, output: id.startsWith('bad') ? 'spam' : 'ham', frozen_output: 'spam' };
      },
      feedback: ({ prediction_id }) => log.push(`feedback ${prediction_id}`),
      settle: async (time_ms) => {
        log.push(`settled up to day ${day(time_ms)}`);
      },
    },
  };
}

test('mails, reactions and ends of windows come in the order of time', async () => {
  const { log, mailbox } = recorder();
  const done = await replay(mailbox, {
    mails: [mail('a', 0), mail('bad', 2), mail('c', 4), mail('d', 30)],
    window_ms: WEEK_MS,
    readers: ({ id, time_ms }) =>
      id === 'bad' || id === 'd'
        ? {
            time_ms: time_ms + 8 * DAY_MS,
            feedback: { prediction_id: id, feedback_type: 'explicit', timestamp: time_ms },
          }
        : undefined,
    onProgress: () => undefined,
  });
  assert.deepEqual(log, [
    'mail a',
    'mail bad',
    'settled up to day 3',
    'mail c',
    'settled up to day 10',
    'feedback bad',
    'settled up to day 17',
    'mail d',
    'settled up to day 31',
    'feedback d',
    'settled up to day 45',
  ]);
  assert.deepEqual(
    done.map(({ frozen_wrong, live_wrong }) => [frozen_wrong, live_wrong]),
    [
      [true, false],
      [true, true],
      [true, false],
      [true, false],
    ],
  );
});
