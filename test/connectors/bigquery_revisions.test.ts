/** `write` says which revisions of a window make rows: a final result, then what a late event makes of it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HEARTBEAT_HEADER } from '../../messages/heartbeat.ts';
import { bigQueryEmulator } from '../harness/bigquery_emulator.ts';
import { ConnectedRun } from '../harness/connected_run.ts';
import { embeddedBroker } from '../harness/embedded.ts';
import { until } from '../harness/until.ts';

const TOPOLOGY = `
topology: revised
partitions: 1
sources:
  feedback: { kafka: { topic: feedback }, disorder: 1s }
actors:
  capture:  { from: feedback, join: none }
  stats:    { kind: window, from: capture, tumbling: 5m, lateness: 24h, idle: never }
  severity: { from: stats, strategies: [threshold] }
sinks:
  first: { from: severity.assessments, bigquery: { table: made.first, write: first, mapping: { total_events: total_events } } }
  each:  { from: severity.assessments, bigquery: { table: made.each, write: each, mapping: { total_events: total_events } } }
  last:  { from: severity.assessments, bigquery: { table: made.last, write: last, mapping: { total_events: total_events } } }
`;
const FROM_MS = Date.UTC(2024, 2, 1, 6);

test('`first` writes the first final result only, `each` its correction too, `last` the correction once none can follow', {
  timeout: 180_000,
}, async (t) => {
  const emulator = await bigQueryEmulator(t);
  if (!emulator) return;
  for (const table of ['made.first', 'made.each', 'made.last'])
    await emulator.createTable(table, [{ name: 'total_events', type: 'INTEGER' }]);
  emulator.beBigQuery(t);
  const broker = await embeddedBroker(t);
  const run = await ConnectedRun.prepare(t, { brokers: broker.address, yaml: TOPOLOGY });
  await run.start();
  await run.ready();
  const totals = async (table: string) => {
    const rows = await emulator.rows<{ total_events: number }>(
      `select total_events from made.${table} order by total_events`,
    );
    return rows.map(({ total_events }) => total_events);
  };

  await run.produce('feedback', [
    ...Array.from({ length: 10 }, (_, n) => feedback(n)),
    timeIs(FROM_MS + 6 * 60_000),
  ]);
  await until(async () => (await totals('first')).length > 0, 'the window is final', 60_000);
  await run.produce('feedback', [feedback(10), timeIs(FROM_MS + 12 * 60_000)]);
  await until(async () => (await totals('each')).length > 1, 'it is corrected', 60_000);
  assert.deepEqual(await totals('last'), [], 'another correction may follow');
  // Past the lateness: nothing can come of it any more.
  await run.produce('feedback', [timeIs(FROM_MS + 3 * 24 * 3_600_000)]);
  await run.ledger('first.out', 1);
  await run.ledger('last.out', 1);
  assert.deepEqual(await totals('first'), [10]);
  assert.deepEqual(await totals('each'), [10, 11]);
  assert.deepEqual(await totals('last'), [11]);
});

function feedback(n: number) {
  const body = {
    prediction_id: `p${n}`,
    session_id: 's',
    feedback_type: 'explicit',
    rating: 1,
    timestamp: FROM_MS / 1000 + n,
  };
  return { key: body.prediction_id, value: JSON.stringify(body) };
}

function timeIs(time_ms: number) {
  return { partition: 0, value: null, headers: { [HEARTBEAT_HEADER]: String(time_ms) } };
}
