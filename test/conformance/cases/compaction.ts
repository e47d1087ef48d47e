import kafkajs from 'kafkajs';
import { type ConformanceCase, outcome } from '../conformance_case.ts';

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
];
