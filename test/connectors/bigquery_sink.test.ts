/** What somebody sees who writes a topic to BigQuery: a table that does not fit, rows that do not, the other method, an outage. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { type BigQueryEmulator, bigQueryEmulator, type Column } from '../harness/bigquery_emulator.ts';
import { ConnectedRun } from '../harness/connected_run.ts';
import { embeddedBroker } from '../harness/embedded.ts';
import { until } from '../harness/until.ts';

const FIELDS: Column[] = [
  { name: 'id', type: 'STRING', mode: 'REQUIRED' },
  { name: 'mean', type: 'FLOAT' },
  { name: 'at', type: 'TIMESTAMP' },
];

function bridge(method: string): string {
  return `
topology: rows
partitions: 2
sources:
  predictions: { kafka: { topic: predictions } }
sinks:
  table:
    from: predictions
    bigquery: { table: made.predictions, method: ${method}, mapping: { id: prediction_id, mean: { from: input_stats.mean, type: FLOAT64 }, at: timestamp } }
`;
}

function prediction(n: number, mean: unknown = n / 2) {
  const body = {
    prediction_id: `p${String(n).padStart(3, '0')}`,
    input_stats: { mean },
    timestamp: 1709272800 + n,
  };
  return { key: `${n}`, value: JSON.stringify(body) };
}

test('a table that does not fit is told, and once it fits all rows go in but the one that does not', {
  timeout: 180_000,
}, async (t) => {
  const started = await start(
    t,
    'storage_write',
    FIELDS.slice(0, 2).concat({ name: 'tenant', type: 'STRING', mode: 'REQUIRED' }),
  );
  if (!started) return;
  const { emulator, run } = started;
  await run.produce(
    'predictions',
    [...Array(100).keys()].map((n) => prediction(n, n === 50 ? 'high' : n / 2)),
  );
  const told = await run.notReady(/E_BIGQUERY_SCHEMA/);
  assert.match(told, /column at is missing; column tenant is REQUIRED and nothing fills it/);

  await emulator.client.dataset('made').table('predictions').delete();
  await emulator.createTable('made.predictions', FIELDS);
  assert.deepEqual(await run.ledger('table.out', 100), { taken_in: 100, written: 99, dead_lettered: 1 });
  const rows = await emulator.rows<{ id: string; mean: number }>(
    'select id, mean from made.predictions order by id',
  );
  const wanted = [...Array(100).keys()].filter((n) => n !== 50);
  assert.deepEqual(
    rows,
    wanted.map((n) => ({ id: `p${String(n).padStart(3, '0')}`, mean: n / 2 })),
  );
  const [letter] = await run.read('rows.dead-letter');
  assert.equal(letter!.headers['errata.code'], 'bigquery_row');
  assert.equal(letter!.value!.toString(), prediction(50, 'high').value);
});

test('by insertAll the same rows go in', { timeout: 180_000 }, async (t) => {
  const started = await start(t, 'insert_all', FIELDS);
  if (!started) return;
  const { emulator, run } = started;
  await run.ready();
  await run.produce(
    'predictions',
    [...Array(60).keys()].map((n) => prediction(n, n === 5 ? 'high' : n / 2)),
  );
  assert.deepEqual(await run.ledger('table.out', 60), { taken_in: 60, written: 59, dead_lettered: 1 });
  const [row] = await emulator.rows<{ n: number }>('select count(distinct id) as n from made.predictions');
  assert.equal(row!.n, 59);
});

test('while BigQuery is away readiness says why; then the rest goes in, and nothing twice', {
  timeout: 180_000,
}, async (t) => {
  const started = await start(t, 'storage_write', FIELDS);
  if (!started) return;
  const { emulator, run } = started;
  await run.ready();
  await run.produce(
    'predictions',
    [...Array(40).keys()].map((n) => prediction(n)),
  );
  await run.ledger('table.out', 40);
  await emulator.kill();
  await run.produce(
    'predictions',
    [...Array(40).keys()].map((n) => prediction(40 + n)),
  );
  await run.notReady(/table\.out\/\d is waiting: bigquery: E_BIGQUERY: BigQuery: .*UNAVAILABLE/);
  await emulator.start();
  const ids = () => emulator.rows<{ id: string }>('select id from made.predictions order by id');
  await until(async () => (await ids()).length >= 80, 'all 80 rows', 90_000);
  await run.ledger('table.out', 80);
  assert.deepEqual(
    (await ids()).map(({ id }) => id),
    [...Array(80).keys()].map((n) => `p${String(n).padStart(3, '0')}`),
  );
});

async function start(
  t: TestContext,
  method: string,
  fields: Column[],
): Promise<{ emulator: BigQueryEmulator; run: ConnectedRun } | undefined> {
  const emulator = await bigQueryEmulator(t);
  if (!emulator) return undefined;
  await emulator.createTable('made.predictions', fields);
  const broker = await embeddedBroker(t);
  emulator.beBigQuery(t);
  const run = await ConnectedRun.prepare(t, { brokers: broker.address, yaml: bridge(method) });
  await run.start();
  return { emulator, run };
}
