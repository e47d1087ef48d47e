import assert from 'node:assert/strict';
import { test } from 'node:test';
import { crc32c } from '@node-rs/crc32';
import fc from 'fast-check';
import { ErrataError } from '../messages/errata_error.ts';
import { BATCH_HEADER_BYTES } from '../wire/batch_layout.ts';
import type { BatchOptions } from '../wire/batch_writer.ts';
import type { FetchedPartition } from '../wire/fetch.ts';
import { encodeBatch } from '../wire/record_batch.ts';
import { readChunk, recordsIn } from './partition_reader.ts';

function batch(base_offset: number, values: string[], options: BatchOptions = {}): Buffer {
  const records = values.map((value) => ({ key: null, value: Buffer.from(value), timestamp_ms: 1_000 }));
  return encodeBatch(records, { ...options, base_offset });
}

/** Kafka's end-of-transaction marker: key is version and type, value is version and coordinator epoch. */
function marker(base_offset: number, producer_id: number, type: 'commit' | 'abort'): Buffer {
  const record = {
    key: Buffer.from([0, 0, 0, type === 'commit' ? 1 : 0]),
    value: Buffer.alloc(6),
    timestamp_ms: 1_000,
  };
  const options = { base_offset, producer_id, is_transactional: true, is_control: true };
  return encodeBatch([record], options);
}

function fetched(
  batches: Buffer[],
  aborted_transactions: { producer_id: number; first_offset: number }[] = [],
): FetchedPartition {
  const records = Buffer.concat(batches);
  const offsets = { high_watermark: 1_000, last_stable_offset: 1_000, log_start_offset: 0 };
  return {
    partition: 0,
    error_code: 0,
    ...offsets,
    aborted_transactions,
    preferred_read_replica: -1,
    records,
  };
}

const valuesOf = (part: FetchedPartition, position = 0) =>
  [...recordsIn(readChunk(part, position).chunk)].map(({ value }) => String(value));

test('records before the position that was asked for are left out, though their batch brings them', () => {
  const part = fetched([batch(10, ['a', 'b', 'c']), batch(13, ['d'])]);
  const { chunk, broken } = readChunk(part, 12);
  assert.deepEqual(
    [...recordsIn(chunk)].map(({ offset }) => offset),
    [12, 13],
  );
  assert.equal(chunk.next_offset, 14);
  assert.equal(broken, undefined);
});

test('a batch that is cut off at the end waits for the next fetch', () => {
  const whole = batch(3, ['x'.repeat(100)]);
  const { chunk, broken } = readChunk(fetched([batch(0, ['a', 'b', 'c']), whole.subarray(0, 90)]), 0);
  assert.equal(chunk.next_offset, 3);
  assert.equal(broken, undefined);
});

test('with any bit flipped behind the CRC, the batch is reported and neither it nor a later one handed out', () => {
  const good = batch(0, ['a', 'b']);
  const hit = batch(2, ['c', 'd', 'e']);
  const last = batch(5, ['f']);
  fc.assert(
    fc.property(fc.integer({ min: 17 * 8, max: hit.length * 8 - 1 }), (bit) => {
      const planted = Buffer.from(hit);
      planted[bit >> 3]! ^= 1 << (bit & 7);
      const { chunk, broken } = readChunk(fetched([good, planted, last]), 0);
      assert.deepEqual(
        [...recordsIn(chunk)].map(({ value }) => String(value)),
        ['a', 'b'],
      );
      assert.equal(chunk.next_offset, 2);
      assert.ok(broken instanceof ErrataError, String(broken));
      // Some flips already make an impossible header.
      assert.match(broken.code, /^E_WIRE_(CRC|BATCH)$/);
    }),
  );
});

test('a batch whose CRC is right but whose records are not leaves nothing of itself behind', () => {
  const values = ['a', 'b', 'c'];
  const lying = batch(0, values);
  // One record more than there is, CRC renewed by encoding the count from the start.
  const count_at = BATCH_HEADER_BYTES - 4;
  lying.writeInt32BE(values.length + 1, count_at);
  lying.writeUInt32BE(crc32c(lying.subarray(21)), 17);
  const { chunk, broken } = readChunk(fetched([lying]), 0);
  assert.deepEqual([chunk.batches, chunk.next_offset], [[], 0]);
  assert.ok(broken instanceof ErrataError);
});

test('aborted transactions are skipped in whatever order the broker lists them', () => {
  const of = (producer_id: number) => ({ producer_id, is_transactional: true });
  const batches = [
    batch(0, ['a1'], of(1)),
    batch(1, ['b1'], of(2)),
    batch(2, ['plain']),
    marker(3, 2, 'abort'),
    batch(4, ['b2'], of(2)),
    marker(5, 1, 'abort'),
    marker(6, 2, 'commit'),
  ];
  const listed = [
    { producer_id: 2, first_offset: 1 },
    { producer_id: 1, first_offset: 0 },
  ];
  const { chunk } = readChunk(fetched(batches, listed), 0);
  assert.deepEqual(
    [...recordsIn(chunk)].map(({ value }) => String(value)),
    ['plain', 'b2'],
  );
  assert.equal(chunk.next_offset, 7);
});

/** Random transactions of several producers, and what a reader of committed records must see of them. */
const history = fc.array(
  fc.record({
    producer_id: fc.integer({ min: 1, max: 4 }),
    act: fc.constantFrom('write', 'write', 'write', 'commit', 'abort', 'plain'),
    records: fc.integer({ min: 1, max: 3 }),
  }),
  { maxLength: 60 },
);

test('property: read_committed is what the committed transactions wrote, from any offset on', () => {
  fc.assert(
    fc.property(history, fc.nat(), (steps, start) => {
      const { batches, aborted, visible, end } = play(steps);
      const from = end === 0 ? 0 : start % end;
      // A broker sends the batches from the one that holds the position, and the aborted transactions that reach there.
      const sent = batches.filter(({ last_offset }) => last_offset >= from);
      const listed = aborted.filter(({ last_offset }) => last_offset >= from);
      const part = fetched(
        sent.map(({ bytes }) => bytes),
        listed,
      );
      assert.deepEqual(
        valuesOf(part, from),
        visible.filter(({ offset }) => offset >= from).map(({ value }) => value),
      );
      assert.equal(readChunk(part, from).chunk.next_offset, end);
    }),
  );
});

function play(steps: { producer_id: number; act: string; records: number }[]) {
  const batches: { bytes: Buffer; last_offset: number }[] = [];
  const aborted: { producer_id: number; first_offset: number; last_offset: number }[] = [];
  const visible: { offset: number; value: string }[] = [];
  const open = new Map<number, { first_offset: number; written: { offset: number; value: string }[] }>();
  let end = 0;
  const append = (bytes: Buffer, records: number) => {
    end += records;
    batches.push({ bytes, last_offset: end - 1 });
  };
  const finish = (producer_id: number, type: 'commit' | 'abort') => {
    const transaction = open.get(producer_id);
    if (!transaction) return;
    open.delete(producer_id);
    const { first_offset, written } = transaction;
    if (type === 'commit') visible.push(...written);
    append(marker(end, producer_id, type), 1);
    if (type === 'abort') aborted.push({ producer_id, first_offset, last_offset: end - 1 });
  };
  for (const { producer_id, act, records } of steps) {
    if (act === 'commit' || act === 'abort') {
      finish(producer_id, act);
      continue;
    }
    const written = Array.from({ length: records }, (_, index) => ({
      offset: end + index,
      value: `${end + index}`,
    }));
    const values = written.map(({ value }) => value);
    if (act === 'plain') {
      visible.push(...written);
      append(batch(end, values), records);
      continue;
    }
    const transaction = open.get(producer_id) ?? { first_offset: end, written: [] };
    open.set(producer_id, transaction);
    transaction.written.push(...written);
    append(batch(end, values, { producer_id, is_transactional: true }), records);
  }
  for (const producer_id of [...open.keys()]) finish(producer_id, 'commit');
  visible.sort((a, b) => a.offset - b.offset);
  return { batches, aborted, visible, end };
}
