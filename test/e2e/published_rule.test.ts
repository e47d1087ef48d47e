/**
 * The standard topology as it stands in config/, on the embedded broker, against the published rule itself: of every
 * window the last revision and what its alerts add up to.
 */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { TopologyRun } from '../harness/topology_run.ts';
import { feed, lastWords, ruled, sentTo } from './last_words.ts';
import { makeInput } from './made_input.ts';

const HOUR_MS = 3_600_000;
const FROM_MS = Date.UTC(2024, 2, 1, 6);

it('says of 100,000 feedback events what the published rule says, window by window', async (t) => {
  const run = await TopologyRun.embedded(t, { changes: [[['actors', 'stats', 'idle'], 'never']] });
  await run.start();
  const input = makeInput({ seed: 1, events: 95_000, windows: 150, batches: 6, from_ms: FROM_MS });
  console.error('T start', process.uptime());
  for (const batch of input) await feed(run, batch);
  console.error('T fed', process.uptime());
  await run.heartbeat(FROM_MS + 14 * HOUR_MS);
  await run.processor.settled();

  console.error('T settled', process.uptime());
  const words = await lastWords(run);
  const expected = ruled(input);
  assert.ok(sentTo(input, 'feedback') > 99_000, `${sentTo(input, 'feedback')} events`);
  assert.ok(expected.windows.size > 1_000, `${expected.windows.size} windows`);
  assert.ok(
    words.revisions > words.windows.size * 1.5,
    `${words.revisions} revisions: hardly any correction`,
  );
  assert.deepEqual(words.windows, expected.windows);
  assert.deepEqual(words.standing_alerts, expected.standing_alerts);
});
