/**
 * The standard topology as it stands in config/, on the embedded broker, against the published rule itself: of every
 * window the last revision and what its alerts add up to.
 */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { TopologyRun } from '../harness/topology_run.ts';
import { checkAddsUp, feed, lastWords, ruled, sentTo } from './last_words.ts';
import { type Batch, makeInput } from './made_input.ts';

const HOUR_MS = 3_600_000;
const FROM_MS = Date.UTC(2024, 2, 1, 6);

it('says of 100,000 feedback events what the published rule says, window by window', async (t) => {
  const run = await TopologyRun.embedded(t, { changes: [[['actors', 'stats', 'idle'], 'never']] });
  await run.start();
  const input = makeInput({ seed: 1, events: 95_000, windows: 150, batches: 6, from_ms: FROM_MS });
  for (const batch of input) {
    await feed(run, batch);
    // What comes late then finds its windows closed, however fast the machine.
    await run.processor.settled();
  }
  await run.heartbeat(FROM_MS + 24 * HOUR_MS + 1);
  const too_late = lateBatch(20);
  await run.processor.settled();
  await feed(run, too_late);
  await run.processor.settled();

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

  const all = [...input, too_late];
  for (const source of ['predictions', 'feedback'] as const) {
    const ledger = await run.ledger(source, sentTo(all, source));
    checkAddsUp(source, ledger);
    // Of the input, predictions at the edge of the wait may be late, depending on who was read first.
    assert.ok(ledger.late! >= too_late[source].length, JSON.stringify(ledger));
  }
  await checkLateTopic(run, too_late);
});

/** An hour older than what is still taken. */
function lateBatch(size: number): Batch {
  return makeInput({ seed: 7, events: size, windows: 1, batches: 1, from_ms: FROM_MS - HOUR_MS })[0]!;
}

async function checkLateTopic(run: TopologyRun, too_late: Batch): Promise<void> {
  const records = await run.read(run.plan.late_topic);
  const kept = new Set(records.map(({ value }) => value?.toString('utf8')));
  for (const { body } of [...too_late.predictions, ...too_late.feedback])
    assert.ok(kept.has(JSON.stringify(body)), `${body.prediction_id} is not on the late topic`);
}
