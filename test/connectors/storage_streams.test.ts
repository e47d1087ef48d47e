/** What BigQuery's Storage Write API refuses, and how, beyond what the emulator does: by Google's client against a server of its protos. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import pino from 'pino';
import { storageClient } from '../../connectors/bigquery/clients.ts';
import { CommittedWriter } from '../../connectors/bigquery/committed_writer.ts';
import { type StorageRow, StorageStreams } from '../../connectors/bigquery/storage_streams.ts';
import { stateIn } from '../../connectors/bigquery/testing.ts';
import type { Refusal, SinkRecord } from '../../connectors/connector.ts';
import { ErrataError, errorMessage } from '../../messages/errata_error.ts';
import { FakeWriteApi } from '../harness/fake_write_api.ts';

process.env.METADATA_SERVER_DETECTION ??= 'none';

const TABLE = 'projects/p/datasets/d/tables/t';

test('rows that BigQuery names go to the dead letters with what it says; the rest of the batch goes in', async (t) => {
  const { fake, writeAll } = await started(t);
  const refusals = await writeAll(['a', 'bad 1', 'bad 2', 'b', 'c', 'bad 3', 'd']);
  assert.deepEqual(fake.rows, ['a', 'b', 'c', 'd']);
  assert.deepEqual(
    refusals.map(({ record, reason }) => [record.offset, reason.code, reason.message]),
    [1, 2, 5].map((offset) => [offset, 'bigquery_refused', 'BigQuery refuses the row: bad value for id']),
  );
});

test('where BigQuery names no row, the one to blame is found and the others go in', async (t) => {
  const { fake, writeAll } = await started(t);
  const values = Array.from({ length: 40 }, (_, index) => (index === 23 ? 'odd' : `v${index}`));
  const refusals = await writeAll(values);
  assert.deepEqual(
    fake.rows,
    values.filter((value) => value !== 'odd'),
  );
  assert.deepEqual(
    refusals.map(({ record, reason }) => [record.offset, reason.message]),
    [[23, 'BigQuery refuses the row: something is odd']],
  );
});

test('a quota is waited for, and said', async (t) => {
  const { fake, writeAll, troubles } = await started(t);
  fake.faults.push('quota', 'quota');
  await writeAll(['a', 'b']);
  assert.deepEqual(fake.rows, ['a', 'b']);
  assert.deepEqual(troubles, Array(2).fill('E_BIGQUERY: BigQuery: Exceeds quota on append bytes (8)'));
});

test('rows whose acknowledgement got lost do not come twice', async (t) => {
  const { fake, writeAll, troubles } = await started(t);
  fake.faults.push('answer_lost');
  await writeAll(['a', 'b', 'c']);
  assert.deepEqual(fake.rows, ['a', 'b', 'c']);
  assert.equal(troubles.length, 1);
  assert.match(troubles[0]!, /connection cut/);
});

for (const said of ['by code', 'in words'] as const)
  test(`a column dropped under a running sink, told ${said}, is waited for, and blamed on no record`, async (t) => {
    const { fake, writeAll, troubles, mend } = await started(t);
    await writeAll(['a']);
    fake.column_gone = said;
    mend(3);
    assert.deepEqual(await writeAll(['b', 'c', 'd', 'e']), []);
    assert.deepEqual(fake.rows, ['a', 'b', 'c', 'd', 'e']);
    assert.equal(troubles.length, 3);
    for (const trouble of troubles) assert.match(trouble, /^E_BIGQUERY_SCHEMA: /);
  });

test('a sealed stream is displaced, whatever code BigQuery gives it', async (t) => {
  const { streams } = await started(t);
  const stream = await streams.create();
  assert.equal(await streams.seal(stream), 0);
  assert.equal((await streams.append(stream, [{ id: 'late' }], 0)).type, 'displaced');
});

async function started(t: TestContext) {
  const fake = await FakeWriteApi.start(t);
  const fields = [{ name: 'id', type: 'STRING' }];
  const streams = new StorageStreams(await storageClient(fake.env), TABLE, fields);
  t.after(() => streams.close());
  const rowOf = ({ value }: SinkRecord) => ({ row: { id: String(value) } as StorageRow, bytes: 10 });
  const stillFits = async () => {
    if (fake.column_gone === 'in words')
      throw new ErrataError('E_BIGQUERY_SCHEMA', 'column id STRING is missing');
  };
  const writer = new CommittedWriter(streams, rowOf, stillFits, pino({ level: 'silent' }));
  const troubles: string[] = [];
  const committed = new Map<string, unknown>();
  let mended_after = Number.POSITIVE_INFINITY;
  /** The table gets its column back after so many troubles. */
  const mend = (after: number) => {
    mended_after = after;
  };

  /** As the engine does: what failed again, and what was left after a commit. */
  async function writeAll(values: readonly string[]): Promise<Refusal[]> {
    const refusals: Refusal[] = [];
    for (let left = values.map(recordOf); left.length > 0; ) {
      const changed = new Map(committed);
      let done = left.length;
      const only = (count: number) => {
        done = count;
      };
      try {
        refusals.push(...(await writer.write(left, { state: stateIn(changed), only })));
      } catch (error) {
        troubles.push(error instanceof ErrataError ? error.toString() : errorMessage(error));
        if (troubles.length >= mended_after) fake.column_gone = null;
        continue;
      }
      for (const [key, value] of changed) committed.set(key, value);
      left = left.slice(done);
    }
    return refusals;
  }
  return { fake, streams, writeAll, troubles, mend };
}

function recordOf(value: string, offset: number): SinkRecord {
  const at = { topic: 't', partition: 0, offset, timestamp_ms: 0 };
  return { ...at, key: null, value: Buffer.from(value), headers: {} };
}
