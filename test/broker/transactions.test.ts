/** Transactions across restarts and crashes: what was acknowledged as committed is wholly there, all else wholly absent. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { test } from 'node:test';
import { startBroker } from '../../broker/broker.ts';
import { randomStream } from '../../training/random.ts';
import { temporaryFolder } from '../harness/embedded.ts';
import { RawClient } from '../harness/raw_client.ts';
import { RawProducer, readLog } from '../harness/raw_producer.ts';
import { until } from '../harness/until.ts';

const PROCESS = join(import.meta.dirname, '../harness/broker_process.ts');
const PARTITIONS = 3;
const SEED = Number(process.env.ERRATA_SEED ?? 20261123);
const ROUNDS = 5;

async function createTopic(client: RawClient, configs: { name: string; value: string }[] = []) {
  const topic = { name: 't', partitions: PARTITIONS, replication_factor: 1, assignments: [], configs };
  await client.call('CreateTopics', 19, 3, { topics: [topic], timeout_ms: 1000, validate_only: false });
}

/** What a read_committed reader gets of each partition. */
async function readAll(client: RawClient): Promise<string[][]> {
  const partitions: string[][] = [];
  for (let partition = 0; partition < PARTITIONS; partition++) {
    partitions.push((await readLog(client, 't', 'read_committed', 0, partition)).valid);
  }
  return partitions;
}

async function committedOffset(client: RawClient): Promise<number> {
  const request = { group_id: 'g', topics: [{ name: 't', partitions: [0] }], require_stable: false };
  const answer = await client.call<{ topics: { partitions: { committed_offset: number }[] }[] }>(
    'OffsetFetch',
    9,
    7,
    request,
  );
  return answer.topics[0]!.partitions[0]!.committed_offset;
}

interface Attempt {
  name: string;
  number: number;
  is_commit: boolean;
  /** Whether its end was asked for, and whether that was answered. */
  end: 'not asked' | 'asked' | 'answered';
}

async function start(data_dir: string): Promise<{ child: ChildProcess; address: string }> {
  const child = spawn(process.execPath, [PROCESS, '0', data_dir], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [line] = (await once(child.stdout!, 'data')) as [Buffer];
  return { child, address: `127.0.0.1:${Number(line.toString())}` };
}

/** One transaction after the other, each writing its name to all partitions and an offset, until the broker is gone. */
async function transactUntilKilled(
  producer: RawProducer,
  first: number,
  attempts: Attempt[],
  requested: () => void,
) {
  for (let number = first; ; number++) {
    const attempt: Attempt = { name: `n${number}`, number, is_commit: number % 4 !== 3, end: 'not asked' };
    attempts.push(attempt);
    const ask = (answer: Promise<unknown>) => {
      requested();
      return answer;
    };
    await ask(producer.addPartitions('t', [0, 1, 2]));
    for (let partition = 0; partition < PARTITIONS; partition++) {
      await ask(producer.write('t', [attempt.name], { partition }));
    }
    await ask(producer.addOffsets('g'));
    await ask(producer.commitOffset('g', 't', number));
    attempt.end = 'asked';
    assert.equal(await ask(producer.end(attempt.is_commit)), 0);
    attempt.end = 'answered';
  }
}

/** Names of the transactions that must be there, and of the one whose answer was lost, which may be. */
function expected(attempts: readonly Attempt[]) {
  const committing = attempts.filter(({ is_commit }) => is_commit);
  const name = (end: Attempt['end']) => committing.filter((one) => one.end === end).map((one) => one.name);
  return { certain: name('answered'), possible: new Set(name('asked')) };
}

test(`kill -9 leaves each transaction whole or absent (seed ${SEED})`, async (t) => {
  const random = randomStream('transactions and kill -9', SEED);
  const data_dir = temporaryFolder(t);
  const attempts: Attempt[] = [];
  for (let round = 0; round <= ROUNDS; round++) {
    const { child, address } = await start(data_dir);
    t.after(() => child.kill('SIGKILL'));
    const client = new RawClient(address);
    if (round === 0) await createTopic(client);
    const producer = new RawProducer(client, 'id');
    assert.equal(await producer.init(), 0);
    const [first, ...others] = await readAll(client);
    const { certain, possible } = expected(attempts);
    assert.deepEqual(
      first!.filter((name) => !possible.has(name)),
      certain,
    );
    for (const other of others) assert.deepEqual(other, first);
    const last = Number((first!.at(-1) ?? 'n-1').slice(1));
    assert.equal(await committedOffset(client), last, 'offsets and records of a transaction go together');
    if (round === ROUNDS) continue;
    for (const attempt of attempts)
      if (attempt.end === 'asked' && first!.includes(attempt.name)) attempt.end = 'answered';
    let left = 20 + Math.floor(random() * 60);
    const delay_ms = random() * 2;
    const killing = () => {
      if (--left === 0) setTimeout(() => child.kill('SIGKILL'), delay_ms);
    };
    await assert.rejects(transactUntilKilled(producer, attempts.length, attempts, killing), /closed/);
    await once(child, 'exit');
  }
  assert.ok(expected(attempts).certain.length > 10);
});

test('a transaction that is open at a restart stays open, goes on, and times out', async (t) => {
  const data_dir = temporaryFolder(t);
  const first = await startBroker({ port: 0, data_dir });
  const client = new RawClient(first.address);
  await createTopic(client);
  const continued = new RawProducer(client, 'continued');
  const abandoned = new RawProducer(client, 'abandoned');
  await continued.init();
  await abandoned.init(400);
  for (const producer of [continued, abandoned]) {
    await producer.addPartitions('t');
    await producer.write('t', [`${producer.transactional_id} before`]);
  }
  client.end();
  await first.stop();

  const second = await startBroker({ port: 0, data_dir, transaction_check_interval_ms: 20 });
  t.after(() => second.stop());
  const again = new RawClient(second.address);
  t.after(() => again.end());
  assert.equal((await readLog(again, 't', 'read_committed')).last_stable_offset, 0);
  continued.reconnect(again);
  assert.equal((await continued.write('t', ['continued repeated'], { sequence: 0 })).base_offset, 0);
  assert.equal((await continued.write('t', ['continued after'], { sequence: 1 })).error_code, 0);
  assert.equal(await continued.end(true), 0);
  await until(async () => {
    const { last_stable_offset, high_watermark } = await readLog(again, 't', 'read_committed');
    return last_stable_offset === high_watermark;
  }, 'the abandoned transaction is aborted');
  assert.deepEqual((await readAll(again))[0], ['continued before', 'continued after']);
  abandoned.reconnect(again);
  assert.equal(await abandoned.end(true, 3), 90, 'PRODUCER_FENCED');
});

test('a topic that is deleted while a transaction writes to it does not hold up the others', async (t) => {
  const broker = await startBroker({ port: 0, data_dir: temporaryFolder(t) });
  t.after(() => broker.stop());
  const client = new RawClient(broker.address);
  t.after(() => client.end());
  await createTopic(client);
  const gone = { name: 'gone', partitions: 1, replication_factor: 1, assignments: [], configs: [] };
  await client.call('CreateTopics', 19, 3, { topics: [gone], timeout_ms: 1000, validate_only: false });
  const producer = new RawProducer(client, 'id');
  await producer.init();
  for (const topic of ['t', 'gone']) {
    await producer.addPartitions(topic);
    await producer.write(topic, ['x']);
  }
  await client.call('DeleteTopics', 20, 3, { topics: ['gone'], timeout_ms: 1000 });
  assert.equal(await producer.end(true), 0);
  assert.deepEqual((await readAll(client))[0], ['x']);
});
