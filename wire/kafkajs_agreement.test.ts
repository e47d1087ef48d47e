/** Our encoder and decoder against kafkajs's own, which is what most of our users' records come from. */
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { test } from 'node:test';
import fc from 'fast-check';
import { murmur2, partitionForKey } from './murmur2.ts';
import { encodeBatch, readBatchHeader, validateBatch } from './record_batch.ts';
import { recordsOf } from './record_cursor.ts';

const require = createRequire(import.meta.url);
interface KafkajsRecord {
  offset: string;
  timestamp: string;
  key: Buffer | null;
  value: Buffer | null;
  headers: Record<string, Buffer | Buffer[]>;
}
const decode = require('kafkajs/src/protocol/recordBatch/v0/decoder.js') as (
  decoder: object,
) => Promise<{ records: KafkajsRecord[] }>;
const Decoder = require('kafkajs/src/protocol/decoder.js') as new (buffer: Buffer) => object;
const { RecordBatch } = require('kafkajs/src/protocol/recordBatch/v0/index.js') as {
  RecordBatch(options: object): Promise<{ buffer: Buffer }>;
};
const Record = require('kafkajs/src/protocol/recordBatch/record/v0/index.js') as (options: object) => object;
const kafkajsMurmur2 = require('kafkajs/src/producer/partitioners/default/murmur2.js') as (
  key: Buffer,
) => number;

const bytes = fc.option(fc.uint8Array({ maxLength: 200 }).map((array) => Buffer.from(array)));
const records = fc.array(
  fc.record({
    key: bytes,
    value: bytes,
    timestamp_ms: fc.integer({ min: 0, max: 4e12 }),
    header: fc.uint8Array({ maxLength: 9 }).map((array) => Buffer.from(array)),
  }),
  { minLength: 1, maxLength: 30 },
);

test('kafkajs reads what we write', async () => {
  await fc.assert(
    fc.asyncProperty(records, fc.constantFrom('none', 'gzip'), async (written, compression) => {
      const batch = encodeBatch(
        written.map((one) => ({ ...one, headers: [['h', one.header]] })),
        { base_offset: 42, compression },
      );
      const { records: read } = await decode(new Decoder(batch));
      assert.deepEqual(
        read.map(({ offset, timestamp, key, value, headers }) => ({
          offset,
          timestamp,
          key,
          value,
          headers,
        })),
        written.map((one, index) => ({
          offset: String(42 + index),
          timestamp: String(one.timestamp_ms),
          key: one.key,
          value: one.value,
          headers: { h: one.header },
        })),
      );
    }),
  );
});

test('we read what kafkajs writes', async () => {
  await fc.assert(
    fc.asyncProperty(records, async (written) => {
      const first = written[0]!.timestamp_ms;
      const encoded = await RecordBatch({
        firstTimestamp: first,
        maxTimestamp: Math.max(...written.map((one) => one.timestamp_ms)),
        lastOffsetDelta: written.length - 1,
        records: written.map((one, index) =>
          Record({
            offsetDelta: index,
            timestampDelta: one.timestamp_ms - first,
            key: one.key,
            value: one.value,
            headers: { h: one.header },
          }),
        ),
      });
      const header = readBatchHeader(encoded.buffer, 0)!;
      validateBatch(encoded.buffer, header);
      assert.deepEqual(
        recordsOf(encoded.buffer, header),
        written.map(({ key, value, timestamp_ms, header: h }, offset) => ({
          offset,
          timestamp_ms,
          key,
          value,
          headers: [['h', h]],
        })),
      );
    }),
  );
});

test('murmur2 agrees with the vectors of the Java client and with kafkajs', () => {
  // From org.apache.kafka.common.utils.UtilsTest.testMurmur2.
  const vectors: [string, number][] = [
    ['21', -973932308],
    ['foobar', -790332482],
    ['a-little-bit-long-string', -985981536],
    ['a-little-bit-longer-string', -1486304829],
    ['lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8', -58897971],
    ['abc', 479470107],
  ];
  for (const [key, hash] of vectors) assert.equal(murmur2(Buffer.from(key)), hash, key);
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 50 }), fc.integer({ min: 1, max: 200 }), (key, partitions) => {
      const theirs = kafkajsMurmur2(Buffer.from(key)) & 0x7fffffff;
      assert.equal(partitionForKey(key, partitions), theirs % partitions);
    }),
  );
});
