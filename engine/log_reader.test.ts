/** What no real broker can be made to do. Everything else: test/engine/log_reader.test.ts. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import pino from 'pino';
import { FETCH_API_KEY, type FetchedPartition, fetchRequest, fetchResponse } from '../wire/fetch.ts';
import { encodeBatch } from '../wire/record_batch.ts';
import { FakeCluster } from './fake_cluster.ts';
import { LogReader, READER_DEFAULTS } from './log_reader.ts';
import { type Chunk, recordsIn } from './partition_reader.ts';

const SILENT = pino({ level: 'silent' });

function batch(base_offset: number): Buffer {
  return encodeBatch([{ key: null, value: Buffer.from(`v${base_offset}`), timestamp_ms: 0 }], {
    base_offset,
  });
}

/** A broker with one topic `t`: one batch per offset, of which some may be replaced while it runs. */
class FakeBroker {
  readonly cluster = new FakeCluster();
  readonly logs: Buffer[][];
  /** Error code per partition, where not 0. */
  readonly errors = new Map<number, number>();

  constructor(logs: Buffer[][]) {
    this.logs = logs;
    this.cluster.leaders = logs.map(() => 1);
    this.cluster.answer(FETCH, ({ topics }) => ({
      throttle_ms: 0,
      error_code: 0,
      session_id: 0,
      topics: topics.map(({ topic, partitions }) => ({
        topic,
        partitions: partitions.map(({ partition, fetch_offset }) => this.#read(partition, fetch_offset)),
      })),
    }));
  }

  #read(partition: number, fetch_offset: number): FetchedPartition {
    const log = this.logs[partition]!;
    return {
      partition,
      error_code: this.errors.get(partition) ?? 0,
      high_watermark: log.length,
      last_stable_offset: log.length,
      log_start_offset: 0,
      aborted_transactions: null,
      preferred_read_replica: -1,
      records: Buffer.concat(log.slice(fetch_offset, fetch_offset + 3)),
    };
  }
}

const FETCH = { key: FETCH_API_KEY, name: 'Fetch', request: fetchRequest, response: fetchResponse };

class Sink {
  readonly offsets: number[] = [];
  readonly troubles: string[] = [];
  #changed: () => void = () => undefined;

  wantsMore = () => true;

  onChunk(chunk: Chunk): void {
    this.offsets.push(...[...recordsIn(chunk)].map(({ offset }) => offset));
    this.#changed();
  }

  onOutOfRange(): void {
    assert.fail('nothing is out of range here');
  }

  onUnhealthy(reason: string): void {
    this.troubles.push(reason);
    this.#changed();
  }

  async until(met: () => boolean): Promise<void> {
    while (!met())
      await new Promise<void>((resolve) => {
        this.#changed = resolve;
      });
  }
}

const LIMIT = { timeout: 10_000 };
const offsets = (count: number) => Array.from({ length: count }, (_, offset) => offset);

test('a broken batch stops its own partition until it can be read, and no other', LIMIT, async (t) => {
  const logs = [offsets(6).map(batch), offsets(200).map(batch)];
  const whole = logs[0]![4]!;
  const planted = Buffer.from(whole);
  planted[planted.length - 1]! ^= 1;
  logs[0]![4] = planted;
  const reader = new LogReader(new FakeBroker(logs).cluster, READER_DEFAULTS, SILENT);
  t.after(() => reader.stop());
  const [broken, sound] = [new Sink(), new Sink()];
  reader.add('t', 0, 0, broken);
  reader.add('t', 1, 0, sound);
  await broken.until(() => broken.troubles.length >= 2);
  assert.deepEqual(broken.offsets, [0, 1, 2, 3]);
  assert.match(broken.troubles[0]!, /CRC/);
  await sound.until(() => sound.offsets.length === 200);
  assert.deepEqual(sound.troubles, []);
  logs[0]![4] = whole;
  await broken.until(() => broken.offsets.length === 6);
  assert.deepEqual(broken.offsets, offsets(6));
});

test('a partition that is led by nobody for a while is read again once it is', LIMIT, async (t) => {
  const broker = new FakeBroker([offsets(3).map(batch)]);
  const reader = new LogReader(broker.cluster, READER_DEFAULTS, SILENT);
  t.after(() => reader.stop());
  const sink = new Sink();
  reader.add('t', 0, 0, sink);
  await sink.until(() => sink.offsets.length === 3);
  const NOT_LEADER = 6;
  broker.errors.set(0, NOT_LEADER);
  broker.cluster.leaders = [-1];
  await sink.until(() => sink.troubles.length > 0);
  const asked = broker.cluster.metadata_asked;
  while (broker.cluster.metadata_asked < asked + 3) await new Promise((resolve) => setImmediate(resolve));
  broker.errors.clear();
  broker.cluster.leaders = [2];
  broker.logs[0]!.push(batch(3));
  await sink.until(() => sink.offsets.length === 4);
});

test('a partition that may not be read is told once, and the others go on', LIMIT, async (t) => {
  const broker = new FakeBroker([offsets(3).map(batch), offsets(300).map(batch)]);
  const TOPIC_AUTHORIZATION_FAILED = 29;
  broker.errors.set(0, TOPIC_AUTHORIZATION_FAILED);
  const refused: string[] = [];
  const reader = new LogReader(broker.cluster, READER_DEFAULTS, SILENT, (error) => refused.push(`${error}`));
  t.after(() => reader.stop());
  const [forbidden, open] = [new Sink(), new Sink()];
  reader.add('t', 0, 0, forbidden);
  reader.add('t', 1, 0, open);
  await open.until(() => open.offsets.length === 300);
  assert.deepEqual(forbidden.offsets, []);
  assert.equal(refused.length, 1);
  assert.match(refused[0]!, /^E_KAFKA_TOPIC_AUTHORIZATION_FAILED: .* topic t\/0 \(grant/);
});
