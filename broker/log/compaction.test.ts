import assert from 'node:assert/strict';
import { test } from 'node:test';
import { COMPRESSIONS } from '../../wire/compression.ts';
import { encodeBatch, readBatchHeader, validateBatch } from '../../wire/record_batch.ts';
import { recordsOf } from '../../wire/record_cursor.ts';
import { AbortedRanges, type Cleaning, cleaned, LatestOffsets, noteKeys } from './compaction.ts';

const NOTHING_ABORTED = new AbortedRanges([]);

function record(key: string | null, value: string | null, timestamp_ms = 5) {
  const bytes = (text: string | null) => (text === null ? null : Buffer.from(text));
  const headers = [['h', bytes(key)]] as const;
  return { key: bytes(key), value: bytes(value), timestamp_ms, headers };
}

function cleaningAfter(batches: Buffer[], settled_offset = 0): Cleaning {
  const latest = new LatestOffsets();
  for (const batch of batches) noteKeys(batch, NOTHING_ABORTED, latest);
  return { latest, aborted: NOTHING_ABORTED, settled_offset };
}

for (const compression of COMPRESSIONS) {
  test(`a batch (${compression}) keeps the last of each key at its offset`, () => {
    const records = [record('a', '1', 90), record('b', '2', 70), record('a', '3', 60), record('c', '4', 50)];
    const options = { base_offset: 10, producer_id: 3, producer_epoch: 1, base_sequence: 7, compression };
    const batch = encodeBatch(records, options);
    const later = encodeBatch([record('c', '5')], { base_offset: 14 });
    const kept = cleaned(batch, cleaningAfter([batch, later]))!;
    const header = readBatchHeader(kept, 0)!;
    validateBatch(kept, header);
    assert.deepEqual(recordsOf(kept, header), [
      { offset: 11, ...records[1]! },
      { offset: 12, ...records[2]! },
    ]);
    const { crc, size_bytes, record_count, max_timestamp_ms, ...same } = readBatchHeader(batch, 0)!;
    assert.deepEqual(header, {
      ...same,
      crc: header.crc,
      size_bytes: kept.length,
      record_count: 2,
      max_timestamp_ms: 70,
    });
    assert.ok(
      crc !== header.crc && record_count === 4 && max_timestamp_ms === 90 && size_bytes === batch.length,
    );
  });
}

test('what all stays is not written anew, and a batch of which nothing stays goes', () => {
  const [old, last] = [encodeBatch([record('a', '1')]), encodeBatch([record('a', '2')], { base_offset: 1 })];
  const cleaning = cleaningAfter([old, last]);
  assert.equal(cleaned(last, cleaning), last);
  assert.equal(cleaned(old, cleaning), null);
});

test('tombstones stay until they are settled', () => {
  const batch = encodeBatch([record('a', null)], { base_offset: 4 });
  assert.equal(cleaned(batch, cleaningAfter([batch], 4)), batch);
  assert.equal(cleaned(batch, cleaningAfter([batch], 5)), null);
});

test('a batch that cannot be unpacked stays as it is', () => {
  const batch = encodeBatch([record('a', 'value'.repeat(20))], { compression: 'zstd' });
  batch.fill(0x55, 70);
  const later = encodeBatch([record('a', '2')], { base_offset: 1 });
  assert.equal(cleaned(batch, cleaningAfter([batch, later])), batch);
});
