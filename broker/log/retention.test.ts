import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { encodeBatch, readBatchHeader } from '../../wire/record_batch.ts';
import { Database } from './database.ts';
import { PartitionLog } from './partition_log.ts';
import { ProducerStates } from './producer_states.ts';
import { applyRetention } from './retention.ts';
import type { TopicConfigs } from './topic_config.ts';
import { type Partition, Topics } from './topics.ts';

const NOW = 1_800_000_000_000;
const HOUR_MS = 3_600_000;

interface Log {
  topics: Topics;
  log: PartitionLog;
  partition: Partition;
}

async function openLog(t: TestContext, configs: TopicConfigs): Promise<Log> {
  const folder = mkdtempSync(join(tmpdir(), 'errata-log-'));
  const db = new Database(folder, 'normal');
  t.after(() => {
    db.close();
    rmSync(folder, { recursive: true, force: true });
  });
  const topics = new Topics(db);
  const log = new PartitionLog(db, new ProducerStates(db, topics));
  const topic = await topics.create('t', 1, configs);
  return { topics, log, partition: topic.partitions[0]! };
}

/** One batch of two records, with the time of the newer. */
async function append({ log, partition }: Log, age_ms: number): Promise<number> {
  const value = Buffer.alloc(100);
  const records = [age_ms + 5, age_ms].map((age) => ({ key: null, value, timestamp_ms: NOW - age }));
  const batch = encodeBatch(records);
  await log.append(partition, batch, readBatchHeader(batch, 0)!);
  return batch.length;
}

test('batches whose newest record is too old go, from the start of the log only', async (t) => {
  const opened = await openLog(t, { 'retention.ms': String(HOUR_MS) });
  for (const age_ms of [3 * HOUR_MS, HOUR_MS + 1, HOUR_MS - 1, 2 * HOUR_MS]) await append(opened, age_ms);
  await applyRetention(opened.topics, opened.log, NOW);
  assert.equal(opened.partition.log_start_offset, 4);
  assert.equal(opened.log.read(opened.partition, 4, 1e6, true).length, 2);
});

test('with everything too old the log is empty and its offsets go on', async (t) => {
  const opened = await openLog(t, { 'retention.ms': '1000' });
  await append(opened, HOUR_MS);
  await applyRetention(opened.topics, opened.log, NOW);
  assert.equal(opened.partition.log_start_offset, 2);
  await append(opened, 0);
  assert.equal(opened.partition.high_watermark, 4);
});

test('by size, whole batches go while the rest still fills the limit', async (t) => {
  const opened = await openLog(t, { 'retention.ms': '-1', 'retention.bytes': '1000' });
  let size = 0;
  for (let n = 0; n < 10; n++) size = await append(opened, 0);
  await applyRetention(opened.topics, opened.log, NOW);
  const kept = (opened.partition.high_watermark - opened.partition.log_start_offset) / 2;
  assert.equal(kept, Math.ceil(1000 / size));
});

test('compacted topics and topics without a limit keep everything', async (t) => {
  const kept: TopicConfigs[] = [{ 'cleanup.policy': 'compact' }, { 'retention.ms': '-1' }];
  for (const configs of kept) {
    const opened = await openLog(t, configs);
    await append(opened, 1000 * HOUR_MS);
    await applyRetention(opened.topics, opened.log, NOW);
    assert.equal(opened.partition.log_start_offset, 0);
  }
});

test('a failed write takes back all of its turn and the log goes on', async (t) => {
  const opened = await openLog(t, {});
  await append(opened, 0);
  const broken = encodeBatch([{ key: null, value: null, timestamp_ms: NOW }]);
  const header = { ...readBatchHeader(broken, 0)!, producer_id: Symbol('no') as unknown as number };
  const lost = append(opened, 0);
  await assert.rejects(opened.log.append(opened.partition, broken, header));
  await assert.rejects(lost);
  const partition = opened.topics.partition('t', 0)!;
  assert.deepEqual([partition.next_offset, partition.high_watermark], [2, 2]);
  await append({ ...opened, partition }, 0);
  assert.equal(partition.high_watermark, 4);
});
