import kafkajs from 'kafkajs';
import type { ConformanceCase } from '../conformance_case.ts';

const T0 = 1_700_000_000_000;

export const produceConsume: ConformanceCase[] = [
  {
    name: 'keys, headers, null values and timestamps come back as they were sent',
    async run(scope) {
      const topic = await scope.topic('t', 3);
      const producer = await scope.producer();
      const sent = await producer.send({
        topic,
        acks: -1,
        messages: [
          { key: 'a', value: 'one', timestamp: String(T0), partition: 0 },
          { key: null, value: 'no key', timestamp: String(T0 + 5), partition: 0 },
          { key: 'tombstone', value: null, timestamp: String(T0 - 5), partition: 0 },
          { key: '', value: '', timestamp: String(T0), partition: 1 },
          {
            key: 'h',
            value: 'ü €',
            headers: { x: 'y', many: ['1', '2'], empty: '' },
            timestamp: String(T0),
            partition: 2,
          },
        ],
      });
      return {
        sent: sent.toSorted((a, b) => a.partition - b.partition),
        read: await scope.consume(topic, 5),
      };
    },
  },
  {
    name: 'keys go to the partitions that the Java client picks',
    async run(scope) {
      const topic = await scope.topic('t', 5);
      const producer = await scope.producer();
      const messages = Array.from({ length: 40 }, (_, n) => ({
        key: `key-${n}`,
        value: String(n),
        timestamp: String(T0),
      }));
      await producer.send({ topic, messages });
      const read = await scope.consume(topic, 40);
      return read.map(({ key, partition }) => `${key} in ${partition}`).toSorted();
    },
  },
  ...(['None', 'GZIP', 'Snappy', 'LZ4', 'ZSTD'] as const).map((compression) => ({
    name: `batches compressed with ${compression} are read back`,
    async run(scope: Parameters<ConformanceCase['run']>[0]) {
      const topic = await scope.topic('t');
      const producer = await scope.producer();
      for (let batch = 0; batch < 2; batch++) {
        await producer.send({
          topic,
          compression: kafkajs.CompressionTypes[compression],
          messages: Array.from({ length: 30 }, (_, n) => ({
            key: `${batch}`,
            value: `value ${n}`.repeat(9),
            timestamp: String(T0 + n),
          })),
        });
      }
      const read = await scope.consume(topic, 60);
      const values = new Set(read.map(({ key, value }) => `${key} ${value}`));
      return { read: read.length, different: values.size, first: read[0], last: read.at(-1) };
    },
  })),
  {
    name: 'acks 0 and 1 are stored too',
    async run(scope) {
      const topic = await scope.topic('t');
      const producer = await scope.producer();
      await producer.send({ topic, acks: 1, messages: [{ value: 'one', timestamp: String(T0) }] });
      await producer.send({ topic, acks: 0, messages: [{ value: 'zero', timestamp: String(T0) }] });
      return scope.consume(topic, 2);
    },
  },
  {
    name: 'an idempotent producer writes',
    async run(scope) {
      const topic = await scope.topic('t');
      const producer = await scope.producer({ idempotent: true });
      for (const value of ['a', 'b', 'c']) {
        await producer.send({ topic, messages: [{ value, timestamp: String(T0) }] });
      }
      return scope.consume(topic, 3);
    },
  },
  {
    name: 'with LogAppendTime the broker sets the time',
    async run(scope) {
      const topic = await scope.topic('t', 1, { 'message.timestamp.type': 'LogAppendTime' });
      const producer = await scope.producer();
      const before = Date.now() - 60_000;
      const [sent] = await producer.send({ topic, messages: [{ value: 'x', timestamp: String(T0) }] });
      const [read] = await scope.consume(topic, 1);
      return { is_now: Number(read!.timestamp) > before, same: sent!.logAppendTime === read!.timestamp };
    },
  },
];
