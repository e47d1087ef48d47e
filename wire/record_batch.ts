/**
 * Kafka's record batch, format v2 (magic 2): the header, its checks, and writing.
 * Source: https://kafka.apache.org/documentation/#recordbatch, KIP-98. Reading records: record_cursor.ts.
 *
 * The CRC covers everything from the attributes on, so a broker may set base offset and leader epoch without
 * touching it.
 */
import { crc32c } from '@node-rs/crc32';
import { ErrataError } from '../messages/errata_error.ts';
import { COMPRESSIONS, type Compression, compress } from './compression.ts';
import { Writer } from './primitives.ts';

export const BATCH_HEADER_BYTES = 61;
/** Base offset and length come before what `batch_length` counts. */
const LENGTH_OVERHEAD_BYTES = 12;
const MAGIC = 2;
const TWO_32 = 0x1_0000_0000;
const AT = {
  length: 8,
  leader_epoch: 12,
  magic: 16,
  crc: 17,
  attributes: 21,
  last_offset_delta: 23,
  base_timestamp: 27,
  max_timestamp: 35,
  producer_id: 43,
  producer_epoch: 51,
  base_sequence: 53,
  record_count: 57,
} as const;

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

export interface BatchOptions {
  base_offset?: number;
  producer_id?: number;
  producer_epoch?: number;
  base_sequence?: number;
  compression?: Compression;
  is_transactional?: boolean;
  is_control?: boolean;
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

function varintBytes(value: number): number {
  let rest = value >= 0 ? value * 2 : -value * 2 - 1;
  let size = 1;
  for (; rest >= 0x80; size++) rest = Math.floor(rest / 128);
  return size;
}

function fieldBytes(field: Buffer | null): number {
  return field === null ? 1 : varintBytes(field.length) + field.length;
}

function writeField(writer: Writer, field: Buffer | null): void {
  writer.varint(field === null ? -1 : field.length);
  if (field !== null) writer.raw(field);
}

function writeRecord(writer: Writer, record: BatchRecord, index: number, base_timestamp_ms: number): void {
  const headers = (record.headers ?? []).map(([name, value]) => [Buffer.from(name), value] as const);
  const timestamp_delta = record.timestamp_ms - base_timestamp_ms;
  let size_bytes = 1 + varintBytes(timestamp_delta) + varintBytes(index) + varintBytes(headers.length);
  size_bytes += fieldBytes(record.key) + fieldBytes(record.value);
  for (const [name, value] of headers) size_bytes += fieldBytes(name) + fieldBytes(value);
  writer.varint(size_bytes);
  writer.int8(0);
  writer.varint(timestamp_delta);
  writer.varint(index);
  writeField(writer, record.key);
  writeField(writer, record.value);
  writer.varint(headers.length);
  for (const [name, value] of headers) {
    writeField(writer, name);
    writeField(writer, value);
  }
}

function attributesOf(options: BatchOptions): number {
  const compression = COMPRESSIONS.indexOf(options.compression ?? 'none');
  return compression | (options.is_transactional ? 16 : 0) | (options.is_control ? 32 : 0);
}

/** One batch with the records at consecutive offsets. `records` must not be empty. */
export function encodeBatch(records: readonly BatchRecord[], options: BatchOptions = {}): Buffer {
  const first = records[0];
  if (first === undefined) throw new ErrataError('E_WIRE_BATCH', 'a record batch needs at least one record');
  const writer = new Writer(BATCH_HEADER_BYTES + 128 * records.length);
  writer.reserve(BATCH_HEADER_BYTES);
  let max_timestamp_ms = first.timestamp_ms;
  for (let index = 0; index < records.length; index++) {
    const record = records[index]!;
    if (record.timestamp_ms > max_timestamp_ms) max_timestamp_ms = record.timestamp_ms;
    writeRecord(writer, record, index, first.timestamp_ms);
  }
  if (options.compression !== undefined && options.compression !== 'none') {
    const packed = compress(options.compression, writer.toBuffer().subarray(BATCH_HEADER_BYTES));
    writer.position = BATCH_HEADER_BYTES;
    writer.raw(packed);
  }
  const batch = writer.toBuffer();
  writer.position = 0;
  writer.int64(options.base_offset ?? 0);
  writer.int32(batch.length - LENGTH_OVERHEAD_BYTES);
  writer.int32(0);
  writer.int8(MAGIC);
  writer.uint32(0);
  writer.int16(attributesOf(options));
  writer.int32(records.length - 1);
  writer.int64(first.timestamp_ms);
  writer.int64(max_timestamp_ms);
  writer.int64(options.producer_id ?? -1);
  writer.int16(options.producer_epoch ?? -1);
  writer.int32(options.base_sequence ?? -1);
  writer.int32(records.length);
  batch.writeUInt32BE(crc32c(batch.subarray(AT.attributes)), AT.crc);
  return batch;
}
