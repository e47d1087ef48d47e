import { RawProducer, readLog } from '../../harness/raw_producer.ts';
import type { ConformanceCase } from '../conformance_case.ts';

export const idempotence: ConformanceCase[] = [
  {
    name: 'a batch sent again is acknowledged with its first offset and stored once',
    async run(scope) {
      const topic = await scope.topic('t');
      const client = scope.raw();
      const producer = new RawProducer(client);
      await producer.init();
      const answers = [];
      for (let n = 0; n < 7; n++) answers.push(await producer.write(topic, [`${n}a`, `${n}b`]));
      for (const sequence of [12, 4, 10, 2, 0]) {
        answers.push(await producer.write(topic, ['again', 'again'], { sequence }));
      }
      answers.push(await producer.write(topic, ['next'], { sequence: 14 }));
      return { answers, records: (await readLog(client, topic, 'read_committed')).records };
    },
  },
  {
    name: 'gaps, overlaps and old epochs are refused; new epochs begin with 0',
    async run(scope) {
      const topic = await scope.topic('t', 2);
      const client = scope.raw();
      const producer = new RawProducer(client);
      await producer.init();
      const write = async (sequence: number, values: string[], partition = 0) =>
        producer.write(topic, values, { sequence, partition });
      const answers: unknown[] = [
        await write(0, ['a', 'b']),
        await write(3, ['gap']),
        await write(1, ['b', 'overlap']),
        await write(0, ['a']),
        await write(0, ['other partition'], 1),
      ];
      producer.producer_epoch = 2;
      answers.push(await write(2, ['new epoch, old sequence']), await write(0, ['new epoch']));
      producer.producer_epoch = 1;
      answers.push(await write(1, ['old epoch']), await write(0, ['old epoch']));
      const unknown = new RawProducer(client);
      unknown.producer_id = 4_000_000;
      unknown.producer_epoch = 3;
      answers.push(await unknown.write(topic, ['unknown producer'], { sequence: 17 }));
      answers.push(await unknown.write(topic, ['unknown producer'], { sequence: 17 }));
      answers.push(await unknown.write(topic, ['no sequence'], { sequence: -1 }));
      return { answers, records: (await readLog(client, topic, 'read_committed')).records };
    },
  },
  {
    name: 'sequence numbers go over from the highest to 0',
    async run(scope) {
      const topic = await scope.topic('t');
      const producer = new RawProducer(scope.raw());
      await producer.init();
      const answers = [];
      for (const sequence of [2 ** 31 - 2, 1, 0, 2 ** 31 - 2]) {
        answers.push(await producer.write(topic, ['a', 'b', 'c'], { sequence }));
      }
      return answers;
    },
  },
];
