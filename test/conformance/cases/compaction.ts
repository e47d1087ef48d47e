import kafkajs from 'kafkajs';
import { RawProducer, readLog } from '../../harness/raw_producer.ts';
import { type ConformanceCase, outcome, until } from '../conformance_case.ts';
import { decided } from './transactions.ts';

const T0 = 1_700_000_000_000;

export const compaction: ConformanceCase[] = [
  {
    name: 'a compacted topic refuses records without key',
    async run(scope) {
      const topic = await scope.topic('t', 1, { 'cleanup.policy': 'compact' });
      const producer = await scope.producer();
      const send = (key: string | null, compression = kafkajs.CompressionTypes.None) => {
        const messages = [
          { key: 'other', value: 'x', timestamp: String(T0) },
          { key, value: 'x', timestamp: String(T0) },
        ];
        return outcome(producer.send({ topic, compression, messages }));
      };
      return {
        none: await send(null),
        none_packed: await send(null, kafkajs.CompressionTypes.GZIP),
        empty: await send(''),
        read: (await scope.consume(topic, 2)).map(({ offset, key }) => [offset, key]),
      };
    },
  },
  {
    name: 'compaction keeps the last of each key, tombstones, markers, and nothing of aborted transactions',
    async run(scope) {
      const topic = await scope.topic('t', 1, {
        'cleanup.policy': 'compact',
        'min.cleanable.dirty.ratio': '0.01',
        'segment.ms': '1000',
      });
      const client = scope.raw();
      const timestamp_ms = Date.now(); // as the markers have it
      const plain = new RawProducer(client);
      const transactional = new RawProducer(client, scope.name('id'));
      await transactional.init();
      for (let n = 0; n < 12; n++)
        await plain.write(topic, [`k${n % 3} ${n}`], { key: `k${n % 3}`, timestamp_ms });
      await plain.write(topic, [''], { key: 'k1', tombstone: true, timestamp_ms });
      for (const is_commit of [true, false]) {
        await transactional.addPartitions(topic);
        await transactional.write(topic, [`k2 ${is_commit}`, `k2 again ${is_commit}`], {
          key: 'k2',
          timestamp_ms,
        });
        await transactional.end(is_commit);
        await decided(client, topic);
      }
      // Kafka leaves the segment alone that it writes to: time goes on by more than `segment.ms`.
      await plain.write(topic, ['end'], { key: 'end', timestamp_ms: timestamp_ms + 10_000 });
      const log = await until(
        () => readLog(client, topic, 'read_committed'),
        ({ records }) => records.length <= 6,
      );
      return log.records;
    },
  },
];
