/** Writing to Kafka by our own requests, with and without transactions. */
import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import type { OutputRecord } from '../../engine/effects.ts';
import { connectKafka, createCluster } from '../../engine/kafka.ts';
import { Outbox } from '../../engine/outbox.ts';
import { type DeadLetter, RecordProducer } from '../../engine/record_producer.ts';
import { TransactionalProducer } from '../../engine/transactional_producer.ts';
import { type Scope, until } from '../conformance/conformance_case.ts';
import { onBothBrokers } from '../harness/both_brokers.ts';
import { RawProducer, readLog } from '../harness/raw_producer.ts';
import { SILENT, settingsFor } from '../harness/reading.ts';

const noLetter: DeadLetter = (record) => assert.fail(`dead letter for ${record.topic}`);

/** Not opened yet. */
function producerOf(
  t: TestContext,
  scope: Scope,
  changed: { timeout_ms?: number; letter?: DeadLetter } = {},
) {
  const cluster = createCluster(connectKafka(settingsFor(scope.address), SILENT));
  const settings = {
    transactional_id: scope.name('id'),
    group_id: scope.name('group'),
    timeout_ms: changed.timeout_ms ?? 15_000,
  };
  const producer = new TransactionalProducer(cluster, settings, changed.letter ?? noLetter);
  t.after(() => producer.close());
  return producer;
}

async function opened(t: TestContext, scope: Scope, letter: DeadLetter = noLetter) {
  const producer = producerOf(t, scope, { letter });
  await producer.open();
  return producer;
}

function record(topic: string, value: string | null, changed: Partial<OutputRecord> = {}): OutputRecord {
  return { topic, partition: 0, key: null, value, headers: {}, ...changed };
}

/** Kafka answers EndTxn before its markers are written everywhere. */
function committed(scope: Scope, topic: string, partition = 0) {
  const read = () => readLog(scope.raw(), topic, 'read_committed', 0, partition);
  return until(read, ({ last_stable_offset, high_watermark }) => last_stable_offset === high_watermark);
}

async function offsetIs(scope: Scope, topic: string, expected: number): Promise<void> {
  const admin = await scope.admin();
  const ask = () => admin.fetchOffsets({ groupId: scope.name('group'), topics: [topic] });
  await until(ask, ([found]) => found!.partitions[0]!.offset === String(expected));
}

onBothBrokers(
  'what is written is what kafkajs reads: text and bytes, nulls, headers and times',
  async (scope, t) => {
    const topic = await scope.topic('t');
    const producer = await opened(t, scope);
    const before_ms = Date.now();
    const headers = { errata: 'd3', name: 'Zoë' };
    await producer.transact({
      records: [
        record(topic, 'größer 🙂', { key: 'schlüssel', headers, timestamp_ms: 1_700_000_000_123 }),
        record(topic, null, { key: Buffer.from([0, 255]), headers }),
        { ...record(topic, ''), value: Buffer.from('bytes') },
      ],
      offsets: [],
    });
    const read = await scope.consume(topic, 3);
    assert.deepEqual(
      read.map(({ key, value, headers: found }) => [key, value, { ...found }]),
      [
        ['schlüssel', 'größer 🙂', headers],
        [Buffer.from([0, 255]).toString(), null, headers],
        [null, 'bytes', {}],
      ],
    );
    assert.equal(read[0]!.timestamp, '1700000000123');
    for (const { timestamp } of read.slice(1)) assert.ok(Math.abs(Number(timestamp) - before_ms) < 20_000);
  },
);

onBothBrokers('many commits: every record once, in order, over batches and partitions', async (scope, t) => {
  const [one, two] = [await scope.topic('one', 3), await scope.topic('two')];
  const [input, producer] = [await scope.topic('in'), await opened(t, scope)];
  const expected = new Map<string, string[]>();
  for (let round = 0; round < 30; round++) {
    const records = Array.from({ length: 40 }, (_, index) => {
      const topic = index % 4 === 3 ? two : one;
      const partition = topic === one ? index % 3 : 0;
      // Two of these do not fit into one batch.
      const pad = round === 7 && index < 9 ? 'x'.repeat(500_000) : '';
      return record(topic, `${round}.${index}${pad}`, { partition });
    });
    for (const { topic, partition, value } of records) {
      const at = `${topic}/${partition}`;
      expected.set(at, [...(expected.get(at) ?? []), String(value)]);
    }
    await producer.transact({ records, offsets: [{ topic: input, partition: 0, offset: round + 1 }] });
  }
  for (const [at, values] of expected) {
    const [topic, partition] = at.split('/');
    const { valid, aborted } = await committed(scope, topic!, Number(partition));
    assert.deepEqual(valid, values, at);
    assert.deepEqual(aborted, []);
  }
  await offsetIs(scope, input, 30);
});

onBothBrokers(
  'who initialises the id fences the former owner, whose records nobody sees',
  async (scope, t) => {
    const [topic, input] = [await scope.topic('t'), await scope.topic('in')];
    const former = await opened(t, scope);
    await former.transact({ records: [record(topic, 'first')], offsets: offsets(input, 1) });
    const latter = await opened(t, scope);
    await assert.rejects(former.transact({ records: [record(topic, 'stale')], offsets: offsets(input, 9) }), {
      code: 'E_KAFKA_INVALID_PRODUCER_EPOCH',
    });
    await latter.transact({ records: [record(topic, 'second')], offsets: offsets(input, 2) });
    assert.deepEqual((await committed(scope, topic)).valid, ['first', 'second']);
    await offsetIs(scope, input, 2);
  },
);

onBothBrokers('what the former owner left open is aborted, with its offsets', async (scope, t) => {
  const [topic, input] = [await scope.topic('t'), await scope.topic('in')];
  const dead = new RawProducer(scope.raw(), scope.name('id'));
  assert.equal(await dead.init(), 0);
  assert.equal(await dead.addPartitions(topic), 0);
  await dead.write(topic, ['left open']);
  assert.equal(await dead.addOffsets(scope.name('group')), 0);
  assert.equal(await dead.commitOffset(scope.name('group'), input, 5), 0);
  const producer = await opened(t, scope);
  await producer.transact({ records: [record(topic, 'mine')], offsets: offsets(input, 1) });
  assert.deepEqual((await committed(scope, topic)).valid, ['mine']);
  await offsetIs(scope, input, 1);
});

onBothBrokers('what a topic does not take is dead-lettered alone, with its headers', async (scope, t) => {
  const topic = await scope.topic('narrow', 1, { 'max.message.bytes': '20000' });
  const letters = await scope.topic('letters');
  const refusals: string[] = [];
  const producer = await opened(t, scope, (refused, { code }) => {
    refusals.push(code);
    return { ...refused, topic: letters, value: String(refused.key) };
  });
  const records = Array.from({ length: 50 }, (_, index) =>
    record(topic, `${index}`.padStart(index % 20 === 7 ? 30_000 : 900), {
      key: `k${index}`,
      headers: { index: String(index) },
    }),
  );
  await producer.transact({ records, offsets: [] });
  const taken = (await committed(scope, topic)).valid.map(Number);
  assert.deepEqual(
    taken,
    [...Array(50).keys()].filter((index) => index % 20 !== 7),
  );
  const found = await scope.consume(letters, 3);
  assert.deepEqual(
    found.map(({ value, headers }) => [value, headers.index]),
    [
      ['k7', '7'],
      ['k27', '27'],
      ['k47', '47'],
    ],
  );
  assert.deepEqual(refusals, Array(3).fill('E_KAFKA_MESSAGE_TOO_LARGE'));
});

onBothBrokers('a time that a topic does not take is the fault of its record', async (scope, t) => {
  const topic = await scope.topic('t', 1, { 'message.timestamp.after.max.ms': '60000' });
  const letters = await scope.topic('letters');
  const producer = await opened(t, scope, (refused) => record(letters, String(refused.value)));
  const late = { timestamp_ms: Date.now() + 3_600_000 };
  await producer.transact({
    records: [record(topic, 'a'), record(topic, 'from the future', late), record(topic, 'b')],
    offsets: [],
  });
  assert.deepEqual((await committed(scope, topic)).valid, ['a', 'b']);
  assert.deepEqual((await committed(scope, letters)).valid, ['from the future']);
});

onBothBrokers('what no waiting mends is fatal, and says what to do', async (scope, t) => {
  const producer = producerOf(t, scope, { timeout_ms: 2 ** 31 - 1 });
  await assert.rejects(producer.open(), {
    code: 'E_KAFKA_INVALID_TRANSACTION_TIMEOUT',
    hint: /transaction.max.timeout.ms/,
  });
});

onBothBrokers('without a transaction, what is acknowledged is not sent again', async (scope, t) => {
  const topic = await scope.topic('t', 2);
  const cluster = createCluster(connectKafka(settingsFor(scope.address), SILENT));
  t.after(() => cluster.disconnect());
  const producer = new RecordProducer(cluster, noLetter);
  const outbox = new Outbox([
    record(topic, 'a'),
    record(topic, 'nowhere', { partition: 7 }),
    record(topic, 'b', { partition: 1 }),
  ]);
  await assert.rejects(producer.flush(outbox), { code: 'E_KAFKA_LEADER_NOT_AVAILABLE' });
  const [first] = outbox.waiting().filter(({ partition }) => partition === 7);
  first!.drop(1);
  await producer.flush(outbox);
  await producer.flush(outbox);
  const found = [await committed(scope, topic), await committed(scope, topic, 1)];
  assert.deepEqual(
    found.map(({ valid }) => valid),
    [['a'], ['b']],
  );
});

function offsets(topic: string, offset: number) {
  return [{ topic, partition: 0, offset }];
}
