/** Stopped in the middle of the stream and started again, twice: the results are as if it had never stopped. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { TopologyRun } from '../harness/topology_run.ts';
import { until } from '../harness/until.ts';
import { checkAddsUp, feed, lastWords, ruled, sentTo } from './last_words.ts';
import { makeInput } from './made_input.ts';

const HOUR_MS = 3_600_000;
const FROM_MS = Date.UTC(2024, 2, 1, 6);

it('goes on after a stop as if there had been none', async (t) => {
  const run = await TopologyRun.embedded(t, { changes: [[['actors', 'stats', 'idle'], 'never']] });
  const input = makeInput({ seed: 3, events: 8_000, windows: 30, batches: 4, from_ms: FROM_MS });
  await run.start();
  for (const [at, batch] of input.entries()) {
    await feed(run, batch);
    if (at % 2 === 1) continue;
    const so_far = sentTo(input.slice(0, at), 'feedback');
    await until(
      () => (run.processor.ledger().feedback?.taken_in ?? 0) > so_far,
      'some of the batch is taken in',
    );
    await run.stop();
    await run.start();
  }
  await run.heartbeat(FROM_MS + 24 * HOUR_MS);
  await run.processor.settled();

  const { revisions: _, ...words } = await lastWords(run);
  assert.deepEqual(words, ruled(input));
  for (const source of ['predictions', 'feedback'] as const)
    checkAddsUp(source, await run.ledger(source, sentTo(input, source)));
});
