import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { type TestContext, test } from 'node:test';
import { encodeBatch, readBatchHeader } from '../../wire/record_batch.ts';
import { Database } from './database.ts';
import { PartitionLog } from './partition_log.ts';
import { ProducerStates } from './producer_states.ts';
import { Topics } from './topics.ts';

function folder(t: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), 'errata-producers-'));
  t.after(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

function open(path: string) {
  const db = new Database(path, 'normal');
  const topics = new Topics(db);
  const producers = new ProducerStates(db, topics);
  return { db, topics, producers, log: new PartitionLog(db, producers) };
}

type Opened = ReturnType<typeof open>;

function batch(producer_id: number, base_sequence: number, is_transactional = false) {
  const record = { key: null, value: Buffer.from('x'), timestamp_ms: 1 };
  const bytes = encodeBatch([record], { producer_id, producer_epoch: 0, base_sequence, is_transactional });
  return { bytes, header: readBatchHeader(bytes, 0)! };
}

async function append({ topics, log }: Opened, ...of: Parameters<typeof batch>): Promise<void> {
  const { bytes, header } = batch(...of);
  await log.append(topics.partition('t', 0)!, bytes, header);
}

function check({ topics, producers }: Opened, ...of: Parameters<typeof batch>): string {
  return producers.check(topics.partition('t', 0)!, batch(...of).header).kind;
}

test('sequence numbers are known again after a restart, until they are forgotten', async (t) => {
  const path = folder(t);
  const first = open(path);
  await first.topics.create('t', 1, {});
  for (let sequence = 0; sequence < 7; sequence++) await append(first, 1, sequence);
  await append(first, 2, 0, true);
  first.db.close();

  const second = open(path);
  t.after(() => second.db.close());
  assert.equal(check(second, 1, 7), 'next');
  assert.equal(check(second, 1, 2), 'duplicate');
  assert.equal(check(second, 1, 1), 'refused', 'only the last five are remembered');
  assert.equal(check(second, 1, 9), 'refused');
  await second.producers.expire(Date.now() + 1000);
  assert.equal(check(second, 1, 9), 'next');
  assert.equal(check(second, 2, 9, true), 'refused', 'with an open transaction it is not forgotten');
});

test('what a failed write has taken note of is forgotten with it', async (t) => {
  const opened = open(folder(t));
  t.after(() => opened.db.close());
  await opened.topics.create('t', 1, {});
  await append(opened, 1, 0);
  const lost = append(opened, 1, 1, true);
  const failing = opened.db.write(() => {
    throw new Error('disk full');
  });
  await assert.rejects(failing, /disk full/);
  await assert.rejects(lost, /disk full/);
  assert.equal(check(opened, 1, 1), 'next');
  const { last_stable_offset, high_watermark } = opened.topics.partition('t', 0)!;
  assert.deepEqual([last_stable_offset, high_watermark], [1, 1]);
});

test('a file from before transactions is taken over with its records', async (t) => {
  const path = folder(t);
  const first = open(path);
  await first.topics.create('t', 1, {});
  await append(first, 1, 0);
  first.db.close();
  const file = new DatabaseSync(join(path, 'broker.sqlite'));
  for (const table of ['producers', 'transactions', 'aborted_transactions', 'pending_offsets', 'cleanings']) {
    file.exec(`DROP TABLE ${table}`);
  }
  file.exec('PRAGMA user_version = 1');
  file.close();

  const second = open(path);
  assert.equal(second.topics.partition('t', 0)!.high_watermark, 1);
  await append(second, 1, 0);
  assert.equal(check(second, 1, 0), 'duplicate');
  second.db.close();
  const newer = new DatabaseSync(join(path, 'broker.sqlite'));
  newer.exec('PRAGMA user_version = 99');
  newer.close();
  assert.throws(() => open(path), { code: 'E_DATA_DIR_VERSION' });
});
