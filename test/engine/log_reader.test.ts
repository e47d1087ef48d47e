/** What the log reader must do on any broker. Broken batches: engine/partition_reader.test.ts. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import kafkajs from 'kafkajs';
import { startBroker } from '../../broker/broker.ts';
import { readToEnd } from '../../engine/read_to_end.ts';
import type { Scope } from '../conformance/conformance_case.ts';
import { onBothBrokers, scopeFor } from '../harness/both_brokers.ts';
import { registerCodecs } from '../harness/compression_codecs.ts';
import { temporaryFolder } from '../harness/embedded.ts';
import { CollectingSink, openReader } from '../harness/reading.ts';

registerCodecs();

const numbers = (from: number, to: number): string[] =>
  Array.from({ length: to - from }, (_, index) => String(from + index));

/** `values` into one partition, in batches of `size`. */
async function produce(scope: Scope, topic: string, partition: number, values: string[], size = 100) {
  const producer = await scope.producer();
  for (let from = 0; from < values.length; from += size) {
    const messages = values.slice(from, from + size).map((value) => ({ partition, value }));
    await producer.send({ topic, messages });
  }
}

onBothBrokers('all records come in order, with key, value, headers and time', async (scope, t) => {
  const topic = await scope.topic('t', 2);
  const producer = await scope.producer();
  const sent = [
    { key: 'a', value: 'one', headers: { kind: 'x', empty: '' }, timestamp: '1700000000123' },
    { key: null, value: 'two', timestamp: '1700000000001' },
    { key: 'c', value: null, timestamp: '1700000000999' },
    { key: 'ü€', value: 'täglich', headers: { größe: 'weit' }, timestamp: '1700000001000' },
  ];
  await producer.send({ topic, messages: sent.map((message) => ({ ...message, partition: 1 })) });
  await produce(scope, topic, 1, numbers(0, 250), 7);

  const [empty, full] = [new CollectingSink(), new CollectingSink()];
  const reader = openReader(t, scope.address);
  reader.add(topic, 0, 0, empty);
  reader.add(topic, 1, 0, full);
  await full.until(({ records }) => records.length === 254);
  await empty.until(({ answers }) => answers > 0);

  const read = full.records.slice(0, 4).map(({ key, value, headers, timestamp_ms }) => ({
    key: key?.toString() ?? null,
    value: value?.toString() ?? null,
    headers: { ...headers },
    timestamp: String(timestamp_ms),
  }));
  assert.deepEqual(
    read,
    sent.map(({ headers = {}, ...message }) => ({ ...message, headers })),
  );
  assert.deepEqual(full.values.slice(4), numbers(0, 250));
  assert.deepEqual(full.offsets, numbers(0, 254).map(Number));
  assert.equal(full.end_offset, 254);
  assert.deepEqual([empty.records.length, empty.next_offset, empty.end_offset], [0, 0, 0]);
});

onBothBrokers('batches of every codec are read, also from their middle', async (scope, t) => {
  const { GZIP, Snappy, LZ4, ZSTD, None } = kafkajs.CompressionTypes;
  const topic = await scope.topic('t');
  const producer = await scope.producer();
  for (const [index, compression] of [None, GZIP, Snappy, LZ4, ZSTD].entries()) {
    const messages = numbers(index * 10, index * 10 + 10).map((value) => ({ value, partition: 0 }));
    await producer.send({ topic, compression, messages });
  }
  const reader = openReader(t, scope.address);
  for (const from of [0, 15, 25, 35, 45]) {
    const sink = new CollectingSink();
    reader.add(topic, 0, from, sink);
    await sink.until(({ records }) => records.at(-1)?.offset === 49);
    assert.deepEqual(sink.values, numbers(from, 50));
    reader.remove(topic, 0);
  }
});

onBothBrokers('a sink that wants no more holds up only its own partition', async (scope, t) => {
  const topic = await scope.topic('t', 2);
  await produce(scope, topic, 0, numbers(0, 3_000), 1_000);
  await produce(scope, topic, 1, numbers(0, 3_000), 1_000);
  const [slow, quick] = [new CollectingSink(), new CollectingSink()];
  slow.wants = false;
  const reader = openReader(t, scope.address, { partition_max_bytes: 1_000, max_bytes: 2_000 });
  reader.add(topic, 0, 0, slow);
  reader.add(topic, 1, 0, quick);
  await quick.until(({ records }) => records.length === 3_000);
  assert.equal(slow.answers, 0);
  slow.wants = true;
  reader.wake();
  await slow.until(({ records }) => records.length === 3_000);
});

onBothBrokers('partitions that always have more do not crowd out the others', async (scope, t) => {
  const topic = await scope.topic('t', 3);
  const values = Array.from({ length: 40 }, () => 'x'.repeat(1_000));
  for (const partition of [0, 1, 2]) await produce(scope, topic, partition, values, 10);
  const sinks = [0, 1, 2].map(() => new CollectingSink());
  // One answer holds one batch of one partition.
  const reader = openReader(t, scope.address, { partition_max_bytes: 500, max_bytes: 500 });
  for (const [partition, sink] of sinks.entries()) reader.add(topic, partition, 0, sink);
  await sinks[0]!.until(({ records }) => records.length === 40);
  for (const { records } of sinks) assert.ok(records.length >= 20, `${records.length} of 40 read`);
  await Promise.all(sinks.map((sink) => sink.until(({ records }) => records.length === 40)));
});

onBothBrokers('partitions are added, removed and sought while others are read', async (scope, t) => {
  const topic = await scope.topic('t', 3);
  const other = await scope.topic('other');
  for (const partition of [0, 1, 2]) await produce(scope, topic, partition, numbers(0, 100));
  await produce(scope, other, 0, numbers(0, 100));
  const reader = openReader(t, scope.address);
  const [first, removed, late, elsewhere] = [0, 1, 2, 3].map(() => new CollectingSink()) as [
    CollectingSink,
    CollectingSink,
    CollectingSink,
    CollectingSink,
  ];
  reader.add(topic, 0, 0, first);
  reader.add(topic, 1, 0, removed);
  await removed.until(({ records }) => records.length === 100);
  reader.remove(topic, 1);
  reader.add(topic, 2, 90, late);
  reader.add(other, 0, 50, elsewhere);
  await produce(scope, topic, 1, numbers(100, 110));
  await produce(scope, topic, 0, numbers(100, 110));
  await first.until(({ records }) => records.length === 110);
  await late.until(({ records }) => records.length === 10);
  await elsewhere.until(({ records }) => records.length === 50);
  assert.equal(removed.records.length, 100);
  assert.deepEqual(first.values, numbers(0, 110));

  reader.seek(topic, 0, 108);
  await first.until(({ records }) => records.length === 112);
  assert.deepEqual(first.values.slice(110), ['108', '109']);
});

onBothBrokers(
  'an offset out of range is reported with the start of the log, and not jumped over',
  async (scope, t) => {
    const topic = await scope.topic('t', 2);
    await produce(scope, topic, 0, numbers(0, 20));
    await produce(scope, topic, 1, numbers(0, 20));
    const admin = await scope.admin();
    await admin.fetchTopicOffsets(topic);
    await admin.deleteTopicRecords({ topic, partitions: [{ partition: 0, offset: '12' }] });
    const [below, above] = [new CollectingSink(), new CollectingSink()];
    const reader = openReader(t, scope.address);
    reader.add(topic, 0, 5, below);
    reader.add(topic, 1, 500, above);
    await below.until(({ out_of_range }) => out_of_range.length > 0);
    await above.until(({ out_of_range }) => out_of_range.length > 0);
    assert.deepEqual(below.out_of_range, [{ position: 5, log_start_offset: 12 }]);
    assert.equal(above.out_of_range[0]!.position, 500);
    // While it waits for a seek, nothing is read and nothing is reported twice.
    const probe = new CollectingSink();
    reader.add(topic, 1, 0, probe);
    await probe.until(({ answers }) => answers > 2);
    assert.equal(below.records.length, 0);
    assert.equal(below.out_of_range.length, 1);
    reader.seek(topic, 0, 12);
    await below.until(({ records }) => records.length === 8);
    assert.deepEqual(below.values, numbers(12, 20));
  },
);

onBothBrokers('a read to the end ends at the end there is, be it empty', async (scope, t) => {
  const topic = await scope.topic('t', 2);
  await produce(scope, topic, 0, numbers(0, 1_500), 500);
  const admin = await scope.admin();
  await admin.fetchTopicOffsets(topic);
  await admin.deleteTopicRecords({ topic, partitions: [{ partition: 0, offset: '700' }] });
  const reader = openReader(t, scope.address);
  const read: string[] = [];
  const records = await readToEnd(reader, topic, 0, ({ value }) => read.push(String(value)));
  assert.equal(records, 800);
  assert.deepEqual(read, numbers(700, 1_500));
  assert.equal(await readToEnd(reader, topic, 1, () => undefined), 0);
  await assert.rejects(
    readToEnd(reader, topic, 0, () => {
      throw new Error('not readable');
    }),
    /not readable/,
  );
});

test('when the broker restarts, reading goes on by itself, and it was said to be unhealthy meanwhile', {
  timeout: 60_000,
}, async (t) => {
  const data_dir = temporaryFolder(t);
  const before = await startBroker({ port: 0, data_dir });
  const { port } = before;
  const scope = scopeFor(t, before.address);
  const topic = await scope.topic('t', 2);
  await produce(scope, topic, 0, numbers(0, 10));
  const [sink, empty] = [new CollectingSink(), new CollectingSink()];
  const reader = openReader(t, before.address);
  reader.add(topic, 0, 0, sink);
  reader.add(topic, 1, 0, empty);
  await sink.until(({ records }) => records.length === 10);
  await before.stop();
  await sink.until(({ troubles }) => troubles.length > 0);
  await empty.until(({ troubles }) => troubles.length > 0);
  const after = await startBroker({ port, data_dir });
  t.after(() => after.stop());
  await produce(scopeFor(t, after.address), topic, 0, numbers(10, 20));
  await sink.until(({ records }) => records.length === 20);
  assert.deepEqual(sink.values, numbers(0, 20));
  const { answers } = empty;
  await empty.until((now) => now.answers > answers);
});
