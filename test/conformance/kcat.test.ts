/** kcat, which is librdkafka, against the embedded broker; in transactions against Apache Kafka, too. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { onBothBrokers } from '../harness/both_brokers.ts';
import { embeddedBroker } from '../harness/embedded.ts';
import { hasKcat, kcat } from '../harness/kcat.ts';
import { RawProducer } from '../harness/raw_producer.ts';
import { until } from './conformance_case.ts';

test('kcat lists, produces and consumes', async (t) => {
  if (!hasKcat(t)) return;
  const { address } = await embeddedBroker(t);
  await kcat(address, ['-P', '-t', 'mails', '-K', ':'], 'a:one\nb:two\na:three\n');
  const listed = JSON.parse(await kcat(address, ['-L', '-J'])) as { topics: { topic: string }[] };
  assert.deepEqual(
    listed.topics.map(({ topic }) => topic),
    ['mails'],
  );
  const read = await kcat(address, ['-C', '-t', 'mails', '-o', 'beginning', '-e', '-q', '-f', '%o %k=%s\n']);
  assert.equal(read, '0 a=one\n1 b=two\n2 a=three\n');
  const last = await kcat(address, ['-C', '-t', 'mails', '-o', '-1', '-e', '-q', '-f', '%s\n']);
  assert.equal(last, 'three\n');
});

for (const codec of ['gzip', 'snappy', 'lz4', 'zstd']) {
  test(`kcat writes and reads batches compressed with ${codec}`, async (t) => {
    if (!hasKcat(t)) return;
    const { address } = await embeddedBroker(t);
    const lines = Array.from({ length: 500 }, (_, n) => `line ${n} with the same words`);
    await kcat(address, ['-P', '-t', 'packed', '-z', codec], `${lines.join('\n')}\n`);
    const read = await kcat(address, ['-C', '-t', 'packed', '-o', 'beginning', '-e', '-q']);
    assert.deepEqual(read.trimEnd().split('\n'), lines);
  });
}

test('kcat reads in a consumer group and commits', async (t) => {
  if (!hasKcat(t)) return;
  const { address } = await embeddedBroker(t);
  await kcat(address, ['-P', '-t', 'mails'], 'one\ntwo\nthree\n');
  const group = ['-G', 'readers', '-q', '-X', 'auto.offset.reset=earliest', '-c', '2', 'mails'];
  assert.equal(await kcat(address, group), 'one\ntwo\n');
  const rest = ['-G', 'readers', '-q', '-X', 'auto.offset.reset=earliest', '-c', '1', 'mails'];
  assert.equal(await kcat(address, rest), 'three\n');
});

onBothBrokers('kcat writes in a transaction and reads what is committed', async (scope, t) => {
  if (!hasKcat(t)) return;
  const topic = await scope.topic('mails');
  const client = scope.raw();
  const produce = (lines: string) =>
    kcat(scope.address, ['-P', '-t', topic, '-X', `transactional.id=${scope.name('kcat')}`], lines);
  await produce('one\ntwo\n');
  const aborting = new RawProducer(client, scope.name('aborting'));
  const open = new RawProducer(client, scope.name('open'));
  for (const producer of [aborting, open]) {
    await producer.init();
    await producer.addPartitions(topic);
  }
  await aborting.write(topic, ['void']);
  await aborting.end(false);
  await produce('three\n');
  await open.write(topic, ['open']);
  const read = (isolation: string) => {
    const args = ['-C', '-t', topic, '-o', 'beginning', '-e', '-q', '-X', `isolation.level=${isolation}`];
    return kcat(scope.address, args);
  };
  // Kafka answers before it has written the marker.
  const is_whole = (text: string) => text.includes('three');
  assert.equal(await until(() => read('read_committed'), is_whole), 'one\ntwo\nthree\n');
  assert.equal(await read('read_uncommitted'), 'one\ntwo\nvoid\nthree\nopen\n');
});
