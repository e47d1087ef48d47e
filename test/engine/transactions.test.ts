/** Reading committed records, on Apache Kafka. The arithmetic of aborted lists: engine/partition_reader.test.ts. */
import assert from 'node:assert/strict';
import type { Transaction } from 'kafkajs';
import { readToEnd } from '../../engine/read_to_end.ts';
import type { Scope } from '../conformance/conformance_case.ts';
import { onApacheKafka } from '../harness/both_brokers.ts';
import { CollectingSink, openReader } from '../harness/reading.ts';

async function transactionalProducer(scope: Scope, name: string) {
  const producer = scope.kafka.producer({
    transactionalId: scope.name(name),
    idempotent: true,
    maxInFlightRequests: 1,
    allowAutoTopicCreation: false,
  });
  await producer.connect();
  return producer;
}

const write = (transaction: Transaction, topic: string, ...values: string[]) =>
  transaction.send({ topic, messages: values.map((value) => ({ value, partition: 0 })) });

onApacheKafka(
  'of overlapping transactions only the committed records come, in whatever order they end',
  async (scope, t) => {
    const topic = await scope.topic('t');
    const [a, b, c] = await Promise.all(['a', 'b', 'c'].map((name) => transactionalProducer(scope, name)));
    try {
      const expected: string[] = [];
      // The first to begin ends last: the broker then lists its abort after those that began later.
      for (const [round, ends] of [
        ['abort', 'abort', 'commit'],
        ['abort', 'commit', 'abort'],
        ['commit', 'abort', 'abort'],
        ['abort', 'abort', 'abort'],
        ['abort', 'abort', 'commit'],
      ].entries()) {
        const producers = [a!, b!, c!];
        const transactions: Transaction[] = [];
        for (const [index, producer] of producers.entries()) {
          const transaction = await producer.transaction();
          transactions.push(transaction);
          await write(transaction, topic, `${round}.${index}.1`, `${round}.${index}.2`);
        }
        for (const [index, transaction] of transactions.entries()) {
          await write(transaction, topic, `${round}.${index}.3`);
          if (ends[index] === 'commit')
            expected.push(...[1, 2, 3].map((number) => `${round}.${index}.${number}`));
        }
        for (const index of [2, 1, 0])
          await (ends[index] === 'commit' ? transactions[index]!.commit() : transactions[index]!.abort());
      }
      const read: string[] = [];
      const reader = openReader(t, scope.address);
      const count = await readToEnd(reader, topic, 0, ({ value }) => read.push(String(value)));
      assert.deepEqual(read.sort(), expected.sort());
      assert.equal(count, expected.length);

      // A reader that begins in the midst of it sees the same, from wherever it begins.
      const admin = await scope.admin();
      const high = (await admin.fetchTopicOffsets(topic))[0]!.high;
      const all = new Map<number, string>();
      const first = new CollectingSink();
      reader.add(topic, 0, 0, first);
      await first.until(({ next_offset }) => next_offset === Number(high));
      for (const { offset, value } of first.records) all.set(offset, String(value));
      reader.remove(topic, 0);
      for (let from = 1; from < Number(high); from += 5) {
        const sink = new CollectingSink();
        reader.add(topic, 0, from, sink);
        await sink.until(({ next_offset }) => next_offset === Number(high));
        assert.deepEqual(
          sink.offsets,
          [...all.keys()].filter((offset) => offset >= from),
          `from ${from}`,
        );
        reader.remove(topic, 0);
      }
    } finally {
      await Promise.all([a, b, c].map((producer) => producer!.disconnect()));
    }
  },
);

onApacheKafka(
  'an open transaction hides what comes after it until it ends; a read to the end stops before it',
  async (scope, t) => {
    const topic = await scope.topic('t');
    const plain = await scope.producer();
    const open = await transactionalProducer(scope, 'open');
    try {
      await plain.send({ topic, messages: [{ value: 'before', partition: 0 }] });
      const transaction = await open.transaction();
      await write(transaction, topic, 'inside');
      await plain.send({ topic, messages: [{ value: 'after', partition: 0 }] });
      const [committed, uncommitted] = [new CollectingSink(), new CollectingSink()];
      openReader(t, scope.address).add(topic, 0, 0, committed);
      openReader(t, scope.address, { isolation: 'read_uncommitted' }).add(topic, 0, 0, uncommitted);
      await uncommitted.until(({ records }) => records.length === 3);
      assert.equal(uncommitted.end_offset, 3);
      await committed.until(({ answers }) => answers >= 3);
      assert.deepEqual([committed.values, committed.next_offset, committed.end_offset], [['before'], 1, 1]);

      const restored: string[] = [];
      await readToEnd(openReader(t, scope.address), topic, 0, ({ value }) => restored.push(String(value)));
      assert.deepEqual(restored, ['before']);

      await transaction.commit();
      await committed.until(({ next_offset }) => next_offset === 4);
      assert.deepEqual(committed.values, ['before', 'inside', 'after']);
    } finally {
      await open.disconnect();
    }
  },
);

onApacheKafka('markers and aborted records count for the end', async (scope, t) => {
  const topic = await scope.topic('t', 2);
  const producer = await transactionalProducer(scope, 'p');
  try {
    const committed = await producer.transaction();
    await write(committed, topic, 'one', 'two');
    await committed.commit();
    const aborted = await producer.transaction();
    await write(aborted, topic, 'not');
    await aborted.abort();
    const reader = openReader(t, scope.address);
    const sink = new CollectingSink();
    const read: string[] = [];
    assert.equal(await readToEnd(reader, topic, 0, ({ value }) => read.push(String(value))), 2);
    assert.deepEqual(read, ['one', 'two']);
    reader.add(topic, 0, 2, sink);
    await sink.until(({ next_offset }) => next_offset === 5);
    assert.deepEqual([sink.records.length, sink.end_offset], [0, 5]);
  } finally {
    await producer.disconnect();
  }
});
