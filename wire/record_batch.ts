/**
 * Kafka's record batch, format v2 (magic 2): the header and its checks.
 * Source: https://kafka.apache.org/documentation/#recordbatch, KIP-98. Reading records: record_cursor.ts; writing: batch_writer.ts.
 *
 * The CRC covers everything from the attributes on, so a broker may set base offset and leader epoch without
 * touching it.
 */
import { crc32c } from '@node-rs/crc32';
import { ErrataError } from '../messages/errata_error.ts';
import { AT, BATCH_HEADER_BYTES, LENGTH_OVERHEAD_BYTES, MAGIC } from './batch_layout.ts';
import { type BatchOptions, BatchWriter, encodeHeaders, NO_HEADERS } from './batch_writer.ts';
import { COMPRESSIONS, type Compression, compress } from './compression.ts';

const TWO_32 = 0x1_0000_0000;

export interface BatchHeader {
  /** Where the batch starts in the buffer that was read. */
  position: number;
  /** Of the whole batch, header included. */
  size_bytes: number;
  base_offset: number;
  /** Base offset of the next batch is above it (compaction may leave gaps). */
  last_offset: number;
  leader_epoch: number;
  crc: number;
  compression: Compression;
  /** With `log_append`, every record has the timestamp `max_timestamp_ms`. */
  timestamp_type: 'create' | 'log_append';
  is_transactional: boolean;
  /** A transaction marker and not data: see `controlType`. */
  is_control: boolean;
  base_timestamp_ms: number;
  max_timestamp_ms: number;
  /** -1 where the producer is not idempotent. */
  producer_id: number;
  producer_epoch: number;
  base_sequence: number;
  record_count: number;
}

/** A record to write. */
export interface BatchRecord {
  key: Buffer | null;
  value: Buffer | null;
  headers?: readonly (readonly [string, Buffer | null])[];
  timestamp_ms: number;
}

function int64At(buffer: Buffer, at: number): number {
  return buffer.readInt32BE(at) * TWO_32 + buffer.readUInt32BE(at + 4);
}

function broken(position: number, what: string): never {
  throw new ErrataError('E_WIRE_BATCH', `record batch at byte ${position}: ${what}`);
}

/**
 * The header of the batch at `position`, or undefined if the buffer ends before the batch does (a fetch response
 * may be cut anywhere). Throws ErrataError E_WIRE_BATCH if the header cannot be that of a batch v2.
 */
export function readBatchHeader(buffer: Buffer, position: number): BatchHeader | undefined {
  const left = buffer.length - position;
  if (left < AT.magic + 1) return undefined;
  const size_bytes = buffer.readInt32BE(position + AT.length) + LENGTH_OVERHEAD_BYTES;
  const magic = buffer[position + AT.magic];
  if (magic !== MAGIC) broken(position, `format ${magic}, only ${MAGIC} is known`);
  if (size_bytes < BATCH_HEADER_BYTES) broken(position, `impossible size ${size_bytes}`);
  if (left < size_bytes) return undefined;
  const base_offset = int64At(buffer, position);
  const last_offset_delta = buffer.readInt32BE(position + AT.last_offset_delta);
  const record_count = buffer.readInt32BE(position + AT.record_count);
  if (last_offset_delta < 0 || record_count < 0) broken(position, 'negative record count or offset delta');
  const attributes = buffer.readInt16BE(position + AT.attributes);
  return {
    position,
    size_bytes,
    base_offset,
    last_offset: base_offset + last_offset_delta,
    leader_epoch: buffer.readInt32BE(position + AT.leader_epoch),
    crc: buffer.readUInt32BE(position + AT.crc),
    compression: COMPRESSIONS[attributes & 7] ?? broken(position, `unknown compression ${attributes & 7}`),
    timestamp_type: attributes & 8 ? 'log_append' : 'create',
    is_transactional: (attributes & 16) !== 0,
    is_control: (attributes & 32) !== 0,
    base_timestamp_ms: int64At(buffer, position + AT.base_timestamp),
    max_timestamp_ms: int64At(buffer, position + AT.max_timestamp),
    producer_id: int64At(buffer, position + AT.producer_id),
    producer_epoch: buffer.readInt16BE(position + AT.producer_epoch),
    base_sequence: buffer.readInt32BE(position + AT.base_sequence),
    record_count,
  };
}

/** The whole batches in `records`, in order; a batch cut off at the end is left out. Throws as readBatchHeader. */
export function* batchesIn(records: Buffer): Generator<BatchHeader> {
  let position = 0;
  for (;;) {
    const header = readBatchHeader(records, position);
    if (header === undefined) return;
    yield header;
    position += header.size_bytes;
  }
}

/** Throws ErrataError E_WIRE_CRC if the batch is not what its producer wrote. */
export function validateBatch(buffer: Buffer, header: BatchHeader): void {
  const { position, size_bytes, crc } = header;
  const actual = crc32c(buffer.subarray(position + AT.attributes, position + size_bytes));
  if (actual === crc) return;
  throw new ErrataError(
    'E_WIRE_CRC',
    `record batch at offset ${header.base_offset} has CRC ${actual.toString(16)}, expected ${crc.toString(16)}`,
  );
}

/** Sets the base offset in place; the CRC does not cover it. */
export function patchBaseOffset(
  batch: Buffer,
  position: number,
  base_offset: number,
  leader_epoch = 0,
): void {
  batch.writeInt32BE(Math.floor(base_offset / TWO_32), position);
  batch.writeUInt32BE(base_offset % TWO_32, position + 4);
  batch.writeInt32BE(leader_epoch, position + AT.leader_epoch);
}

/** Sets timestamp type `log_append` and the time of all records, and renews the CRC. */
export function patchLogAppendTime(batch: Buffer, header: BatchHeader, timestamp_ms: number): void {
  const { position, size_bytes } = header;
  const attributes = batch.readInt16BE(position + AT.attributes) | 8;
  batch.writeInt16BE(attributes, position + AT.attributes);
  batch.writeBigInt64BE(BigInt(timestamp_ms), position + AT.max_timestamp);
  const crc = crc32c(batch.subarray(position + AT.attributes, position + size_bytes));
  batch.writeUInt32BE(crc, position + AT.crc);
}

/**
 * Moves a batch whose records all have one time to another time, and renews the CRC; other changes to the bytes of its
 * records are covered by that, too.
 */
export function patchCreateTime(batch: Buffer, timestamp_ms: number): void {
  batch.writeBigInt64BE(BigInt(timestamp_ms), AT.base_timestamp);
  batch.writeBigInt64BE(BigInt(timestamp_ms), AT.max_timestamp);
  batch.writeUInt32BE(crc32c(batch.subarray(AT.attributes)), AT.crc);
}

/**
 * The batch with some of its records only, given as the bytes they have in it unpacked: offsets, producer and sequence
 * numbers stay, as compaction needs it.
 */
export function withRecords(
  batch: Buffer,
  header: BatchHeader,
  records: readonly Buffer[],
  max_timestamp_ms: number,
): Buffer {
  const packed = compress(header.compression, Buffer.concat(records));
  const head = batch.subarray(header.position, header.position + BATCH_HEADER_BYTES);
  const smaller = Buffer.concat([head, packed]);
  smaller.writeInt32BE(smaller.length - LENGTH_OVERHEAD_BYTES, AT.length);
  smaller.writeBigInt64BE(BigInt(max_timestamp_ms), AT.max_timestamp);
  smaller.writeInt32BE(records.length, AT.record_count);
  smaller.writeUInt32BE(crc32c(smaller.subarray(AT.attributes)), AT.crc);
  return smaller;
}

/** One batch with the records at consecutive offsets. `records` must not be empty. */
export function encodeBatch(records: readonly BatchRecord[], options: BatchOptions = {}): Buffer {
  const writer = new BatchWriter(128 * records.length);
  for (const { key, value, headers, timestamp_ms } of records)
    writer.append(key, value, headers ? encodeHeaders(headers) : NO_HEADERS, timestamp_ms);
  return writer.finish(options);
}
