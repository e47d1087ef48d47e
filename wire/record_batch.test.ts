import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { test } from 'node:test';
import { zstdCompressSync } from 'node:zlib';
import { crc32c } from '@node-rs/crc32';
import fc from 'fast-check';
import { ErrataError } from '../messages/errata_error.ts';
import { BATCH_HEADER_BYTES } from './batch_layout.ts';
import { COMPRESSIONS, type Compression } from './compression.ts';
import {
  type BatchRecord,
  batchesIn,
  encodeBatch,
  patchBaseOffset,
  patchCreateTime,
  patchLogAppendTime,
  readBatchHeader,
  validateBatch,
} from './record_batch.ts';
import { controlType, recordsOf } from './record_cursor.ts';

const require = createRequire(import.meta.url);

const bytes = fc.option(fc.uint8Array({ maxLength: 40 }).map((array) => Buffer.from(array)));
const record: fc.Arbitrary<BatchRecord> = fc.record({
  key: bytes,
  value: bytes,
  timestamp_ms: fc.integer({ min: 0, max: 4e12 }),
  headers: fc.array(fc.tuple(fc.string({ unit: 'grapheme', maxLength: 8 }), bytes), { maxLength: 4 }),
});
const records = fc.array(record, { minLength: 1, maxLength: 20 });

const sample: BatchRecord[] = Array.from({ length: 300 }, (_, index) => ({
  key: index % 7 === 0 ? null : Buffer.from(`key ${index}`),
  value: index % 11 === 0 ? null : Buffer.from(`{"n":${index},"text":"the same words again and again"}`),
  timestamp_ms: 1_700_000_000_000 + index,
  headers: [['trace', Buffer.from(String(index))]],
}));

function expected(written: readonly BatchRecord[], base_offset: number) {
  return written.map((one, index) => ({ ...one, offset: base_offset + index }));
}

/** Replaces the records of an uncompressed batch by compressed ones, as another client would have sent it. */
function recompress(batch: Buffer, compression: Compression): Buffer {
  const body = batch.subarray(BATCH_HEADER_BYTES);
  const pack: Record<Compression, (data: Buffer<ArrayBuffer>) => Buffer> = {
    none: (data) => data,
    gzip: (data) => require('node:zlib').gzipSync(data),
    snappy: (data) => require('snappy').compressSync(data),
    lz4: (data) => require('lz4-napi').compressFrameSync(data),
    zstd: (data) => zstdCompressSync(data),
  };
  return repack(batch, pack[compression](Buffer.from(body)), compression);
}

function repack(batch: Buffer, body: Buffer, compression: Compression): Buffer {
  const packed = Buffer.concat([batch.subarray(0, BATCH_HEADER_BYTES), body]);
  packed.writeInt32BE(packed.length - 12, 8);
  packed.writeInt16BE(COMPRESSIONS.indexOf(compression), 21);
  packed.writeUInt32BE(crc32c(packed.subarray(21)), 17);
  return packed;
}

test('what is encoded is read back, compressed or not', () => {
  fc.assert(
    fc.property(
      records,
      fc.nat(2 ** 48),
      fc.constantFrom('none', 'gzip'),
      (written, base_offset, compression) => {
        const batch = encodeBatch(written, { base_offset, compression });
        const header = readBatchHeader(batch, 0)!;
        validateBatch(batch, header);
        assert.equal(header.size_bytes, batch.length);
        assert.equal(header.last_offset, base_offset + written.length - 1);
        assert.equal(header.max_timestamp_ms, Math.max(...written.map((one) => one.timestamp_ms)));
        assert.deepEqual(recordsOf(batch, header), expected(written, base_offset));
      },
    ),
  );
});

test('batches of every compression are read', () => {
  const batch = encodeBatch(sample);
  for (const compression of COMPRESSIONS) {
    const packed = recompress(batch, compression);
    const header = readBatchHeader(packed, 0)!;
    validateBatch(packed, header);
    assert.equal(header.compression, compression);
    assert.deepEqual(recordsOf(packed, header), expected(sample, 0), compression);
  }
});

test('snappy in the xerial framing of Java clients is read', () => {
  const batch = encodeBatch(sample);
  const body = batch.subarray(BATCH_HEADER_BYTES);
  const parts: Buffer[] = [
    Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0, 0, 0, 0, 1, 0, 0, 0, 1]),
  ];
  for (let at = 0; at < body.length; at += 1000) {
    const block: Buffer = require('snappy').compressSync(body.subarray(at, at + 1000));
    const length = Buffer.alloc(4);
    length.writeInt32BE(block.length);
    parts.push(length, block);
  }
  const packed = repack(batch, Buffer.concat(parts), 'snappy');
  assert.deepEqual(recordsOf(packed, readBatchHeader(packed, 0)!), expected(sample, 0));
});

test('a batch that would unpack to more than the limit is refused', () => {
  const zeros = Buffer.alloc(300 * 1024 * 1024);
  const batch = encodeBatch([{ key: null, value: Buffer.alloc(0), timestamp_ms: 0 }]);
  for (const packed of [
    repack(batch, zstdCompressSync(zeros), 'zstd'),
    // A raw snappy block that claims 1 GB.
    repack(batch, Buffer.from([0x80, 0x80, 0x80, 0x80, 0x04, 0]), 'snappy'),
  ]) {
    assert.throws(() => recordsOf(packed, readBatchHeader(packed, 0)!), { code: 'E_WIRE_DECOMPRESSED_SIZE' });
  }
});

test('a batch cut off anywhere is not taken for a whole one', () => {
  const first = encodeBatch(sample.slice(0, 3), { base_offset: 10 });
  const second = encodeBatch(sample.slice(3, 5), { base_offset: 13 });
  const both = Buffer.concat([first, second]);
  for (let length = 0; length <= both.length; length++) {
    const whole = length === both.length ? 2 : length >= first.length ? 1 : 0;
    assert.equal([...batchesIn(both.subarray(0, length))].length, whole);
  }
});

test('damaged bytes give an ErrataError or wrong records, never anything else', () => {
  const batches = [...COMPRESSIONS].map((compression) =>
    recompress(encodeBatch(sample.slice(0, 20)), compression),
  );
  fc.assert(
    fc.property(
      fc.constantFrom(...batches),
      fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 6 }),
      (batch, damage) => {
        const damaged = Buffer.from(batch);
        for (const [at, byte] of damage) damaged[8 + (at % (damaged.length - 8))] = byte;
        try {
          for (const header of batchesIn(damaged)) recordsOf(damaged, header);
        } catch (thrown) {
          assert.ok(thrown instanceof ErrataError, String(thrown));
          assert.match(thrown.code, /^E_WIRE_/);
        }
      },
    ),
    { numRuns: 1500 },
  );
});

test('one flipped bit fails the CRC, a new base offset does not', () => {
  const batch = encodeBatch(sample.slice(0, 4));
  patchBaseOffset(batch, 0, 2 ** 40 + 5);
  validateBatch(batch, readBatchHeader(batch, 0)!);
  assert.equal(recordsOf(batch, readBatchHeader(batch, 0)!)[0]!.offset, 2 ** 40 + 5);
  batch[batch.length - 3]! ^= 1;
  assert.throws(() => validateBatch(batch, readBatchHeader(batch, 0)!), { code: 'E_WIRE_CRC' });
});

test('with log append time all records have the time of the batch', () => {
  const batch = encodeBatch(sample.slice(0, 3));
  patchLogAppendTime(batch, readBatchHeader(batch, 0)!, 1_800_000_000_000);
  const header = readBatchHeader(batch, 0)!;
  validateBatch(batch, header);
  assert.deepEqual(
    recordsOf(batch, header).map((one) => one.timestamp_ms),
    [1_800_000_000_000, 1_800_000_000_000, 1_800_000_000_000],
  );
});

test('a batch can be moved to another time', () => {
  const batch = encodeBatch(sample.slice(0, 3).map((one) => ({ ...one, timestamp_ms: 5 })));
  patchCreateTime(batch, 1_800_000_000_000);
  const header = readBatchHeader(batch, 0)!;
  validateBatch(batch, header);
  assert.equal(header.max_timestamp_ms, 1_800_000_000_000);
  for (const { timestamp_ms } of recordsOf(batch, header)) assert.equal(timestamp_ms, 1_800_000_000_000);
});

test('control batches are recognised', () => {
  for (const [type, name] of [
    [0, 'abort'],
    [1, 'commit'],
  ] as const) {
    const marker = { key: Buffer.from([0, 0, 0, type]), value: Buffer.alloc(6), timestamp_ms: 5 };
    const batch = encodeBatch([marker], { is_control: true, is_transactional: true, producer_id: 77 });
    const header = readBatchHeader(batch, 0)!;
    assert.ok(header.is_control && header.is_transactional && header.producer_id === 77);
    assert.equal(controlType(batch, header), name);
  }
});

test('older formats and impossible headers are refused', () => {
  const batch = encodeBatch(sample.slice(0, 1));
  const old = Buffer.from(batch);
  old[16] = 1;
  assert.throws(() => readBatchHeader(old, 0), { code: 'E_WIRE_BATCH' });
  const negative = Buffer.from(batch);
  negative.writeInt32BE(-5, 8);
  assert.throws(() => readBatchHeader(negative, 0), { code: 'E_WIRE_BATCH' });
});
