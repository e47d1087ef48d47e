/**
 * The same input on the embedded broker and on Apache Kafka: the same last words. The last windows are closed by
 * silence alone.
 */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { withRealKafka } from '../harness/real_kafka.ts';
import { type RunOptions, TopologyRun } from '../harness/topology_run.ts';
import { until } from '../harness/until.ts';
import { feed, type LastWords, lastWords, ruled } from './last_words.ts';
import { type Batch, makeInput } from './made_input.ts';

const HOUR_MS = 3_600_000;
const CHANGES: RunOptions['changes'] = [[['actors', 'stats', 'idle'], '500ms']];

it('says the same on the embedded broker and on Apache Kafka', async (t) => {
  const brokers = await withRealKafka(t);
  if (brokers === undefined) return;
  // Silence lets time go up to the wall clock: the last window has to be over by then.
  const from_ms = Math.floor((Date.now() - 3 * HOUR_MS) / HOUR_MS) * HOUR_MS;
  const input = makeInput({ seed: 2, events: 5_000, windows: 20, batches: 4, from_ms, all_recent: true });
  await t.test('body', async (inner) => {
    const embedded = await outcome(await TopologyRun.embedded(inner, { changes: CHANGES }), input);
    const kafka = await outcome(
      await TopologyRun.prepare(inner, { brokers, own_names: true, changes: CHANGES }),
      input,
    );
    assert.ok(embedded.standing_alerts.size > 20, `${embedded.standing_alerts.size} alerts`);
    assert.deepEqual(embedded, kafka);
    assert.deepEqual(kafka, ruled(input));
  });
});

async function outcome(run: TopologyRun, input: readonly Batch[]): Promise<LastWords> {
  await run.start();
  for (const batch of input) await feed(run, batch);
  await run.processor.settled();
  const { windows } = ruled(input);
  await until(async () => (await lastWords(run)).windows.size >= windows.size, 'all windows are told');
  await run.processor.settled();
  const { revisions: _, ...words } = await lastWords(run);
  await run.stop();
  return words;
}
