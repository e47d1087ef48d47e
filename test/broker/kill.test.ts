/** kill -9 while producers write: everything that was acknowledged with acks=all is there after a restart. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { test } from 'node:test';
import { Kafka, logLevel } from 'kafkajs';
import { encodeFetchRequest, type FetchResponse, fetchRequest } from '../../wire/fetch.ts';
import { Reader } from '../../wire/primitives.ts';
import { batchesIn, validateBatch } from '../../wire/record_batch.ts';
import { recordsOf } from '../../wire/record_cursor.ts';
import { temporaryFolder } from '../harness/embedded.ts';
import { RawClient } from '../harness/raw_client.ts';

const PROCESS = join(import.meta.dirname, '../harness/broker_process.ts');
const ROUNDS = 3;
const ACKNOWLEDGED_PER_ROUND = 150;

async function start(data_dir: string): Promise<{ child: ChildProcess; address: string }> {
  const child = spawn(process.execPath, [PROCESS, '0', data_dir], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [line] = (await once(child.stdout!, 'data')) as [Buffer];
  return { child, address: `127.0.0.1:${Number(line.toString())}` };
}

/** Sends without end until the broker is gone; calls back for what was acknowledged. */
async function produceUntilKilled(address: string, round: number, acknowledged: (value: string) => void) {
  const kafka = new Kafka({ brokers: [address], logLevel: logLevel.NOTHING, retry: { retries: 0 } });
  const producer = kafka.producer({ allowAutoTopicCreation: true });
  await producer.connect();
  for (let n = 0; ; n++) {
    const values = Array.from({ length: 5 }, (_, m) => `${round}.${n}.${m}`);
    try {
      await producer.send({ topic: 't', acks: -1, messages: values.map((value) => ({ value })) });
    } catch {
      break;
    }
    for (const value of values) acknowledged(value);
  }
  await producer.disconnect().catch(() => {});
}

async function readAll(address: string): Promise<string[]> {
  const client = new RawClient(address);
  const values: string[] = [];
  for (let offset = 0; ; ) {
    const partition = { partition: 0, fetch_offset: offset, partition_max_bytes: 1e6 };
    const topics = [{ topic: 't', partitions: [partition] }];
    const limits = { max_wait_ms: 0, min_bytes: 1, max_bytes: 1e6, isolation: 'read_committed' } as const;
    const request = fetchRequest.read(new Reader(encodeFetchRequest({ ...limits, topics })), 11, false);
    const answer = await client.call<FetchResponse>('Fetch', 1, 11, request);
    const { records, error_code } = answer.topics[0]!.partitions[0]!;
    assert.equal(error_code, 0);
    if (records!.length === 0) break;
    for (const header of batchesIn(records!)) {
      validateBatch(records!, header);
      assert.equal(header.base_offset, offset, 'offsets have no gap');
      values.push(...recordsOf(records!, header).map(({ value }) => String(value)));
      offset = header.last_offset + 1;
    }
  }
  client.end();
  return values;
}

test('kill -9 loses nothing that was acknowledged', async (t) => {
  const data_dir = temporaryFolder(t);
  const acknowledged = new Set<string>();
  for (let round = 0; round < ROUNDS; round++) {
    const { child, address } = await start(data_dir);
    let left = ACKNOWLEDGED_PER_ROUND;
    await produceUntilKilled(address, round, (value) => {
      acknowledged.add(value);
      if (--left === 0) child.kill('SIGKILL');
    });
  }
  const { child, address } = await start(data_dir);
  t.after(() => child.kill('SIGKILL'));
  const found = await readAll(address);
  assert.ok(acknowledged.size >= ROUNDS * ACKNOWLEDGED_PER_ROUND);
  assert.equal(new Set(found).size, found.length, 'nothing twice');
  for (const value of acknowledged) assert.ok(found.includes(value), `${value} was acknowledged and is gone`);
});
