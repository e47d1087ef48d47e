/** What BigQuery refuses of insertAll, and how, beyond what the emulator does: the sink by Google's client against a fake of its REST API. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import pino from 'pino';
import { stateIn } from '../../connectors/bigquery/testing.ts';
import { bigquery } from '../../connectors/bigquery.ts';
import type { SinkRecord } from '../../connectors/connector.ts';
import { FakeInsertAll } from '../harness/fake_insert_all.ts';

process.env.METADATA_SERVER_DETECTION ??= 'none';

const CONFIG = { table: 'd.t', project: 'p', method: 'insert_all', write: 'each', mapping: { id: 'id' } };

test('rows that BigQuery names are dead letters with what it says; the others are in', async (t) => {
  const { fake, write } = await opened(t);
  assert.deepEqual(await write(['a', 'bad 1', 'b']), [
    [1, 'bigquery_refused', 'BigQuery refuses the row: id: it is bad'],
  ]);
  assert.deepEqual(fake.rows, ['a', 'b']);
});

test('of a request that is refused as a whole the row to blame is found, and the others go in', async (t) => {
  const { fake, write } = await opened(t);
  const ids = Array.from({ length: 40 }, (_, n) => (n === 23 ? 'odd' : `v${n}`));
  const [refused, ...others] = await write(ids);
  assert.deepEqual(others, []);
  assert.deepEqual(refused!.slice(0, 2), [23, 'bigquery_refused']);
  assert.match(String(refused![2]), /something is odd/);
  assert.deepEqual(
    fake.rows,
    ids.filter((id) => id !== 'odd'),
  );
  assert.ok(fake.requests < 20, `${fake.requests} requests`);
});

test('a column that is dropped or changed under a running sink is told, and blamed on no record', async (t) => {
  const { fake, write } = await opened(t);
  assert.deepEqual(await write(['a']), []);
  fake.columns = [{ name: 'other', type: 'STRING' }];
  const gone = {
    code: 'E_BIGQUERY_SCHEMA',
    message: /d\.t differs from what is written: column id is missing/,
  };
  await assert.rejects(write(['b', 'c']), gone);
  await assert.rejects(write(['odd']), gone);
  fake.columns = [{ name: 'id', type: 'INTEGER' }];
  await assert.rejects(write(['bad']), {
    code: 'E_BIGQUERY_SCHEMA',
    message: 'table d.t was changed: id STRING is now id INT64',
  });
  fake.columns = [{ name: 'id', type: 'STRING' }];
  assert.deepEqual(await write(['b', 'c']), []);
  assert.deepEqual(fake.rows, ['a', 'b', 'c']);
});

/** Of what `write` refuses: offset, code, message. */
async function opened(t: TestContext) {
  const fake = await FakeInsertAll.start(t);
  const before = process.env.BIGQUERY_EMULATOR_HOST;
  process.env.BIGQUERY_EMULATOR_HOST = fake.url;
  t.after(() => {
    if (before === undefined) delete process.env.BIGQUERY_EMULATOR_HOST;
    else process.env.BIGQUERY_EMULATOR_HOST = before;
  });
  const sink = await bigquery.open(CONFIG, {
    place: { namespace: 'n', topology: 't', name: 's' },
    message: 'source_record',
    partition: 0,
    log: pino({ level: 'silent' }),
    signal: new AbortController().signal,
  });
  t.after(() => sink.close());
  const context = { state: stateIn(new Map()), only: () => undefined };
  const write = async (ids: readonly string[]) => {
    const refusals = await sink.write(ids.map(recordOf), context);
    return refusals.map(({ record, reason }) => [record.offset, reason.code, reason.message]);
  };
  return { fake, write };
}

function recordOf(id: string, offset: number): SinkRecord {
  const value = Buffer.from(JSON.stringify({ id }));
  return { topic: 'made', partition: 0, offset, timestamp_ms: 0, key: null, value, headers: {} };
}
