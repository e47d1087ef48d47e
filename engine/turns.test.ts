import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { Turns } from './turns.ts';

/** Tells when each begins and ends. */
function played(turns: Turns) {
  const story: string[] = [];
  const take = (name: string, is_alone: boolean, time_ms: number) =>
    turns.take(is_alone, async () => {
      story.push(`${name} begins`);
      await delay(time_ms);
      story.push(`${name} ends`);
    });
  return { story, take };
}

test('who wants to be alone is, and the others are at it together', async () => {
  const { story, take } = played(new Turns(10_000));
  const all = [take('a', false, 20), take('b', false, 20), take('one', true, 20)];
  await Promise.all([...all, take('two', true, 5), take('c', false, 5)]);
  assert.deepEqual(story.slice(0, 2), ['a begins', 'b begins']);
  const alone = story.flatMap((line, at) => (/^(one|two) begins/.test(line) ? [story[at + 1]] : []));
  assert.deepEqual(alone, ['one ends', 'two ends']);
  assert.equal(story.length, 10);
});

test('what hangs holds nobody up for long, and what fails nobody at all', async () => {
  const turns = new Turns(20);
  void turns.take(false, () => new Promise(() => undefined));
  await turns.take(true, async () => undefined);
  void turns.take(true, () => new Promise(() => undefined));
  await turns.take(false, async () => undefined);
  const patient = new Turns(60_000);
  const failing = patient.take(true, () => Promise.reject(new Error('no')));
  await Promise.all([assert.rejects(failing), patient.take(false, async () => undefined)]);
});
