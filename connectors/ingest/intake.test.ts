/** What the ingest does while Kafka is slow, away, or final in its answer; and with keys and rates. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { IncomingRecord } from '../../engine/edge.ts';
import { ErrataError } from '../../messages/errata_error.ts';
import { Hold, PendingBytes, RecordRate } from './allowance.ts';
import { IdempotencyKeys } from './idempotency.ts';
import { type Endpoint, Intake, type IntakeLimits } from './intake.ts';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

async function heldBytes(): Promise<number> {
  // Buffers are given back by another thread.
  for (let round = 0; round < 3; round++) {
    collectGarbage();
    await delay(20);
  }
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

const BODY = Buffer.from(
  JSON.stringify({ prediction_id: 'p', feedback_type: 'explicit', rating: 1, timestamp: 1.7e9 }),
);

function setUp(limits: Partial<IntakeLimits> = {}, max_pending_bytes = 1_000) {
  const published: IncomingRecord[] = [];
  const failures: Error[] = [];
  const kafka = { gate: Promise.resolve() };
  const ports = {
    publish: async (records: readonly IncomingRecord[]) => {
      await kafka.gate;
      published.push(...records);
    },
    fail: (error: Error) => failures.push(error),
  };
  const endpoint = { kind: 'feedback', key: 'prediction_id', ports } as Endpoint;
  const intake = new Intake({
    max_records: 10,
    max_rate: undefined,
    timeout_ms: 1_000,
    idempotency_ms: 60_000,
    ...limits,
  });
  const pending = new PendingBytes(max_pending_bytes);
  const take = (idempotency_key?: string, body = BODY) => {
    const hold = new Hold(pending);
    hold.growTo(body.length);
    const taking = intake.take(endpoint, { body, form: 'json', idempotency_key, hold });
    return taking.finally(() => hold.release());
  };
  return { take, published, failures, kafka, pending };
}

test('what Kafka does not acknowledge in time is told to come again, and counts until it is settled', async () => {
  const { take, kafka, pending, published } = setUp({ timeout_ms: 20 });
  const { promise, resolve } = Promise.withResolvers<void>();
  kafka.gate = promise;
  await assert.rejects(take('key'), { code: 'E_NOT_ACKNOWLEDGED' });
  assert.equal(pending.bytes, BODY.length);
  // Repeated with its key, it waits for the first, and is not written again.
  const again = take('key');
  resolve();
  assert.deepEqual(await again, { accepted: 1, errors: [] });
  assert.equal(published.length, 1);
  assert.equal(pending.bytes, 0);
});

test('what a request holds is given back once, also where its client hangs up while it is decompressed', async () => {
  const pending = new PendingBytes(100);
  const hold = new Hold(pending);
  assert.equal(hold.growTo(10), true);
  hold.release();
  assert.equal(pending.bytes, 0);
  assert.equal(hold.growTo(60), false, 'nobody waits for it');
  hold.retain();
  hold.release();
  assert.equal(pending.bytes, 0);
  assert.equal(pending.take(100), true);
  assert.equal(pending.take(1), false);
});

test('where Kafka says no for good the source fails, and the key is free again', async () => {
  const { take, kafka, failures, published } = setUp();
  kafka.gate = Promise.reject(new ErrataError('E_KAFKA_TOPIC_AUTHORIZATION_FAILED', 'no'));
  await assert.rejects(take('key'), { code: 'E_NOT_ACKNOWLEDGED' });
  assert.equal(failures.length, 1);
  kafka.gate = Promise.resolve();
  assert.equal((await take('key')).accepted, 1);
  assert.equal(published.length, 1);
});

test('a source that is stopped is no failure', async () => {
  const { take, kafka, failures } = setUp();
  kafka.gate = Promise.reject(new ErrataError('E_SOURCE_STOPPED', 'stopped'));
  await assert.rejects(take(), { code: 'E_NOT_ACKNOWLEDGED', message: 'the ingest is stopping' });
  assert.deepEqual(failures, []);
});

test('more than the rate has to wait, and may come then', async () => {
  const { take } = setUp({ max_rate: 20 });
  const answers = await Promise.allSettled(Array.from({ length: 40 }, () => take()));
  const taken = answers.filter(({ status }) => status === 'fulfilled').length;
  assert(taken >= 20 && taken <= 22, `${taken}`);
  const refused = answers.find((one) => one.status === 'rejected');
  assert.equal(refused?.reason.code, 'E_BUSY');
  await delay(refused!.reason.wait_ms + 100);
  await take();
});

test('a rate is held on average', () => {
  const rate = new RecordRate(100);
  let taken = 0;
  for (let now_ms = 1_000; now_ms < 11_000; now_ms += 7) if (rate.take(10, now_ms) === 0) taken += 10;
  assert(taken >= 990 && taken <= 1_110, `${taken}`);
});

test('keys are forgotten when their time is over, the oldest first where there are too many', async () => {
  const keys = new IdempotencyKeys({ window_ms: 100, max_keys: 2 });
  let made = 0;
  const ask = async (key: string, now_ms: number) => {
    await keys.once(key, 'body', now_ms, async () => void made++);
    return made;
  };
  assert.equal(await ask('a', 0), 1);
  assert.equal(await ask('a', 99), 1);
  assert.equal(await ask('a', 100), 2);
  assert.equal(await ask('b', 101), 3);
  assert.equal(await ask('c', 102), 4);
  assert.equal(await ask('b', 103), 4);
  assert.equal(await ask('a', 104), 5);
  assert.throws(() => keys.once('a', 'other', 105, async () => undefined), { code: 'E_IDEMPOTENCY_KEY' });
});

test('a request that comes again gets its answer, however long; it is not kept for that', async () => {
  const { take, published } = setUp({ max_records: 1_000 });
  const body = Buffer.from(`[${String(BODY)}${',7'.repeat(999)}]`);
  const [first, again] = [await take('key', body), await take('key', body)];
  assert.deepEqual([first.accepted, first.errors.length, first.errors[998]!.index], [1, 999, 999]);
  assert.deepEqual(again, first);
  assert.equal(published.length, 1);
  const early_bytes = await heldBytes();
  for (let number = 0; number < 500; number++) await take(`key ${number}`, body);
  published.length = 0;
  const bytes = ((await heldBytes()) - early_bytes) / 500;
  assert(bytes < 4_096, `${Math.round(bytes)} bytes for each key`);
});

test('while Kafka is away, repetitions hold nothing beyond their time', async () => {
  const { take, kafka, pending } = setUp({ timeout_ms: 5 });
  const { promise, resolve } = Promise.withResolvers<void>();
  kafka.gate = promise;
  const repeat = () => {
    const body = Buffer.concat([BODY, Buffer.alloc(1_000_000, ' ')]);
    return assert.rejects(take('key', body), { code: 'E_NOT_ACKNOWLEDGED' });
  };
  await repeat();
  const early_bytes = await heldBytes();
  for (let number = 0; number < 30; number++) await repeat();
  const more_bytes = (await heldBytes()) - early_bytes;
  assert(more_bytes < 3_000_000, `${more_bytes} bytes`);
  resolve();
  await take('key', Buffer.concat([BODY, Buffer.alloc(1_000_000, ' ')]));
  assert.equal(pending.bytes, 0);
});

test('what is wrong in requests that wait counts with them: while Kafka is away, memory stays bounded', async () => {
  const max_bytes = 4_000_000;
  const { take, kafka, pending, published } = setUp({ max_records: 10_000, timeout_ms: 60_000 }, max_bytes);
  const { promise, resolve } = Promise.withResolvers<void>();
  kafka.gate = promise;
  // 10 kB each, of which 400 would fit; but what there is to say of one takes a megabyte.
  const body = Buffer.from(`[${String(BODY)}${',7'.repeat(5_000)}]`);
  const early_bytes = await heldBytes();
  const waiting: Promise<{ errors: unknown[] }>[] = [];
  const refused = () => assert.rejects(take(undefined, body), { code: 'E_BUSY' });
  while (waiting.length < 300) {
    const taking = take(undefined, body);
    const outcome = await Promise.race([taking.catch((error) => error), delay(5, 'waits')]);
    if (outcome !== 'waits' && outcome.code === 'E_BUSY') break;
    waiting.push(taking);
  }
  assert.ok(waiting.length >= 2 && waiting.length < 20, `${waiting.length} wait`);
  for (let more = 0; more < 100; more++) await refused();
  const more_bytes = (await heldBytes()) - early_bytes;
  assert(more_bytes < 2 * max_bytes, `${more_bytes} bytes`);
  assert.ok(pending.bytes <= max_bytes, `${pending.bytes} are counted`);
  resolve();
  for (const { errors } of await Promise.all(waiting)) assert.equal(errors.length, 5_000);
  assert.equal(published.length, waiting.length, 'of what is refused nothing is published');
  assert.equal(pending.bytes, 0);
  const alone = await take(undefined, Buffer.from(`[${String(BODY)}${',7'.repeat(9_999)}]`));
  assert.equal(alone.errors.length, 9_999);
});

test('what is alone fits, however much there is to say of it', () => {
  const pending = new PendingBytes(100);
  const hold = new Hold(pending);
  assert.equal(hold.growTo(60), true);
  assert.equal(hold.growBy(500), true);
  const other = new Hold(pending);
  assert.equal(other.growTo(1), false);
  hold.release();
  assert.equal(pending.bytes, 0);
  assert.equal(other.growTo(60) && new Hold(pending).growTo(40), true);
  assert.equal(other.growBy(1), false);
});
