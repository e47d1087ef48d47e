import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { BatchWriter, encodeHeaders, type Field, NO_HEADERS } from './batch_writer.ts';
import { readBatchHeader, validateBatch } from './record_batch.ts';
import { recordsOf } from './record_cursor.ts';

const field: fc.Arbitrary<Field> = fc.oneof(
  fc.constant(null),
  fc.string({ maxLength: 300 }),
  fc.string({ unit: 'grapheme', maxLength: 100 }),
  fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
);
const record = fc.record({
  key: field,
  value: field,
  header: field,
  timestamp_ms: fc.integer({ min: 0, max: 4e12 }),
});

const bytesOf = (one: Field) => (one === null ? null : Buffer.from(one));

test('text and bytes are read back, whatever room there was at first and whatever limit there is', () => {
  const records = fc.array(record, { minLength: 1, maxLength: 30 });
  fc.assert(
    fc.property(records, fc.nat(500), fc.integer({ min: 61, max: 4_000 }), (written, capacity, limit) => {
      const read = [];
      for (let next = 0; next < written.length; ) {
        const writer = new BatchWriter(capacity, limit);
        const first = next;
        for (; next < written.length; next++) {
          const { key, value, header, timestamp_ms } = written[next]!;
          if (!writer.append(key, value, encodeHeaders([['h', header]]), timestamp_ms)) break;
        }
        const batch = writer.finish({ base_offset: first });
        const head = readBatchHeader(batch, 0)!;
        validateBatch(batch, head);
        assert.equal(head.record_count, writer.count);
        assert.ok(batch.length <= limit || writer.count === 1, `${batch.length} bytes`);
        read.push(...recordsOf(batch, head));
      }
      const expected = written.map(({ key, value, header, timestamp_ms }, offset) => ({
        offset,
        timestamp_ms,
        key: bytesOf(key),
        value: bytesOf(value),
        headers: [['h', bytesOf(header)]],
      }));
      assert.deepEqual(read, expected);
    }),
  );
});

test('a batch that is full takes no more, and a first record that is too large is taken all the same', () => {
  const writer = new BatchWriter(0, 100);
  assert.equal(writer.append(null, 'x'.repeat(200), NO_HEADERS, 0), true);
  assert.equal(writer.append(null, 'y', NO_HEADERS, 0), false);
  assert.equal(writer.count, 1);
});

test('an empty batch is none', () => {
  assert.throws(() => new BatchWriter(10).finish(), { code: 'E_WIRE_BATCH' });
});
