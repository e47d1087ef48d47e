/**
 * What exactly once stands on, by Google's client against the emulator: explicit offsets, sealed streams, streams that are gone. BigQuery
 * documents the same. What the emulator does otherwise than BigQuery stands in test/harness/bigquery_emulator.ts.
 */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { storageClient } from '../../connectors/bigquery/clients.ts';
import { StorageStreams } from '../../connectors/bigquery/storage_streams.ts';
import {
  type BigQueryEmulator,
  bigQueryEmulator,
  type Column,
  PROJECT,
} from '../harness/bigquery_emulator.ts';
import { until } from '../harness/until.ts';

const FIELDS: Column[] = [
  { name: 'id', type: 'STRING', mode: 'REQUIRED' },
  { name: 'made_at', type: 'TIMESTAMP' },
];
const PATH = `projects/${PROJECT}/datasets/made/tables/one`;

async function streams(t: TestContext, emulator: BigQueryEmulator): Promise<StorageStreams> {
  const opened = new StorageStreams(await storageClient(emulator.env), PATH, FIELDS);
  t.after(() => opened.close());
  return opened;
}

const ids = (emulator: BigQueryEmulator) =>
  emulator.rows<{ id: string }>('select id from made.one order by id');

test('a row gets in once: what is appended again, past the end, or after the seal, does not', async (t) => {
  const emulator = await bigQueryEmulator(t);
  if (!emulator) return;
  await emulator.createTable('made.one', FIELDS);
  const [live, zombie] = [await streams(t, emulator), await streams(t, emulator)];

  const stream = await live.create();
  const rows = [{ id: 'a', made_at: 1e15 }, { id: 'b' }];
  assert.deepEqual(await live.append(stream, rows, 0), { type: 'written' });
  assert.equal((await live.append(stream, rows, 0)).type, 'displaced', 'the same again');
  assert.equal((await live.append(stream, [{ id: 'c' }], 1)).type, 'displaced', 'within what is there');
  assert.equal((await live.append(stream, [{ id: 'c' }], 9)).type, 'displaced', 'behind a gap');
  assert.deepEqual(await live.append(stream, [{ id: 'c' }], 2), { type: 'written' });

  assert.equal(await live.seal(stream), 3);
  assert.equal((await zombie.append(stream, [{ id: 'd' }], 3)).type, 'displaced', 'by a zombie');
  assert.equal(await zombie.seal(stream), 3, 'sealed again, it tells the same');
  assert.deepEqual(await ids(emulator), [{ id: 'a' }, { id: 'b' }, { id: 'c' }]);

  const [first] = await emulator.rows<{ made_at: { value: string } }>(
    'select made_at from made.one order by id',
  );
  assert.equal(first?.made_at.value, '2001-09-09T01:46:40.000Z');
});

test('while the emulator is away appends reject; after it, tables are there and streams are not', async (t) => {
  const emulator = await bigQueryEmulator(t);
  if (!emulator) return;
  await emulator.createTable('made.one', FIELDS);
  const live = await streams(t, emulator);
  const stream = await live.create();
  assert.deepEqual(await live.append(stream, [{ id: 'a' }], 0), { type: 'written' });

  await emulator.kill();
  await assert.rejects(live.append(stream, [{ id: 'b' }], 1), { code: 'E_BIGQUERY' });
  await assert.rejects(live.seal(stream), { code: 'E_BIGQUERY' });

  await emulator.start();
  const isGone = () =>
    live
      .seal(stream)
      .then((rows) => rows === null)
      .catch(() => false);
  await until(isGone, 'the stream is known to be gone');
  assert.equal((await live.append(stream, [{ id: 'b' }], 1)).type, 'displaced');
  assert.deepEqual(await ids(emulator), [{ id: 'a' }]);
});
