import { encodeBatch } from '../../../wire/record_batch.ts';
import { type ConformanceCase, outcome, type Scope } from '../conformance_case.ts';

function batch(records = 1, size = 10): Buffer {
  const record = { key: null, value: Buffer.alloc(size, 'x'), timestamp_ms: 1_700_000_000_000 };
  return encodeBatch(Array.from({ length: records }, () => record));
}

/** Error code and base offset; messages are each broker's own. */
async function produce(scope: Scope, topic: string, records: Buffer | null, acks = -1, partition = 0) {
  const answer = await scope.raw().call<{
    topics: { partitions: { error_code: number; base_offset: number }[] }[];
  }>('Produce', 0, 7, {
    transactional_id: null,
    acks,
    timeout_ms: 5000,
    topics: [{ name: topic, partitions: [{ partition, records }] }],
  });
  const { error_code, base_offset } = answer.topics[0]!.partitions[0]!;
  return { error_code, base_offset };
}

function flipped(bytes: Buffer, at: number): Buffer {
  const damaged = Buffer.from(bytes);
  damaged[at]! ^= 0x40;
  return damaged;
}

export const produceErrors: ConformanceCase[] = [
  {
    name: 'damaged batches are refused and nothing of them is stored',
    async run(scope) {
      const topic = await scope.topic('t');
      const good = batch(3);
      return {
        good: await produce(scope, topic, good),
        value: await produce(scope, topic, flipped(good, good.length - 5)),
        crc: await produce(scope, topic, flipped(good, 18)),
        old_format: (await produce(scope, topic, flipped(good, 16))).error_code !== 0,
        good_again: await produce(scope, topic, good),
      };
    },
  },
  {
    name: 'batches above max.message.bytes are refused',
    async run(scope) {
      const topic = await scope.topic('t', 1, { 'max.message.bytes': '1000' });
      return {
        small: await produce(scope, topic, batch(1, 800)),
        large: await produce(scope, topic, batch(1, 1200)),
      };
    },
  },
  {
    name: 'the default limit is 1 MB and a little',
    async run(scope) {
      const topic = await scope.topic('t');
      return {
        at_limit: await produce(scope, topic, batch(1, 1_048_588 - 61 - 11)),
        above: await produce(scope, topic, batch(1, 1_048_588)),
      };
    },
  },
  {
    name: 'times far ahead are refused, those long past are not unless the topic says so',
    async run(scope) {
      const topic = await scope.topic('t');
      const strict = await scope.topic('strict', 1, { 'message.timestamp.before.max.ms': '60000' });
      const at = (ahead_ms: number) =>
        encodeBatch([{ key: null, value: Buffer.from('x'), timestamp_ms: Date.now() + ahead_ms }]);
      return {
        soon: await produce(scope, topic, at(1_800_000)),
        ahead: await produce(scope, topic, at(7_200_000)),
        past: await produce(scope, topic, at(-1e12)),
        strict: await produce(scope, strict, at(-120_000)),
      };
    },
  },
  {
    name: 'unknown topics, partitions and acks',
    async run(scope) {
      const topic = await scope.topic('t');
      const producer = await scope.producer();
      return {
        topic: await produce(scope, scope.name('unknown'), batch()),
        partition: await produce(scope, topic, batch(), -1, 5),
        acks: await produce(scope, topic, batch(), 2),
        control:
          (
            await produce(
              scope,
              topic,
              encodeBatch([{ key: Buffer.alloc(4), value: null, timestamp_ms: 0 }], { is_control: true }),
            )
          ).error_code !== 0,
        kafkajs: await outcome(producer.send({ topic: scope.name('unknown'), messages: [{ value: 'x' }] })),
      };
    },
  },
];
