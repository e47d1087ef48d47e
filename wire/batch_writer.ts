/**
 * Writes a record batch v2 record by record into one growing buffer: no buffer and no object per field. A batch that
 * is full says so, and takes the records it has.
 */
import { crc32c } from '@node-rs/crc32';
import { ErrataError } from '../messages/errata_error.ts';
import { AT, BATCH_HEADER_BYTES, LENGTH_OVERHEAD_BYTES, MAGIC } from './batch_layout.ts';
import { COMPRESSIONS, type Compression, compress } from './compression.ts';
import { Writer } from './primitives.ts';

export interface BatchOptions {
  base_offset?: number;
  producer_id?: number;
  producer_epoch?: number;
  base_sequence?: number;
  compression?: Compression;
  is_transactional?: boolean;
  is_control?: boolean;
}

/** A key or a value; text is written as UTF-8. */
export type Field = Buffer | string | null;

export type Headers = readonly (readonly [name: string, value: Field])[];

/** The bytes of a record's headers, as `append` takes them: records often share them. */
export function encodeHeaders(headers: Headers): Buffer {
  const sizes = headers.map(([name, value]) => fieldBytes(lengthOf(name)) + fieldBytes(lengthOf(value)));
  const bytes = Buffer.allocUnsafe(sizes.reduce((sum, size) => sum + size, varintBytes(headers.length)));
  let at = putVarint(bytes, 0, headers.length);
  for (const [name, value] of headers) {
    at = putField(bytes, at, name, lengthOf(name));
    at = putField(bytes, at, value, lengthOf(value));
  }
  return bytes;
}

export const NO_HEADERS = encodeHeaders([]);

/** Where buffers come from, and go when they are done with. */
export interface Memory {
  take(size_bytes: number): Buffer;
  giveBack(memory: ArrayBufferLike): void;
}

const NEW_MEMORY: Memory = {
  take: (size_bytes) => Buffer.allocUnsafe(size_bytes),
  giveBack: () => undefined,
};

export class BatchWriter {
  readonly #memory: Memory;
  readonly #limit_bytes: number;
  #buffer: Buffer;
  #end = BATCH_HEADER_BYTES;
  #base_timestamp_ms = 0;
  #max_timestamp_ms = 0;
  count = 0;

  constructor(capacity_bytes: number, limit_bytes = Number.POSITIVE_INFINITY, memory = NEW_MEMORY) {
    this.#memory = memory;
    this.#buffer = memory.take(BATCH_HEADER_BYTES + capacity_bytes);
    this.#limit_bytes = limit_bytes;
  }

  /** False, and nothing is written, where the batch would grow beyond its limit. The first record is always taken. */
  append(key: Field, value: Field, headers: Buffer, timestamp_ms: number): boolean {
    const [key_bytes, value_bytes] = [lengthOf(key), lengthOf(value)];
    let at = this.#begin(key_bytes, value_bytes, headers.length, timestamp_ms);
    if (at < 0) return false;
    at = putField(this.#buffer, at, key, key_bytes);
    at = putField(this.#buffer, at, value, value_bytes);
    this.#buffer.set(headers, at);
    return true;
  }

  /** As `append`, of a key and a value that stand one behind the other in `bytes`; `value_end` -1: there is no value. */
  appendBytes(
    bytes: Buffer,
    { key_start, key_end, value_end }: { key_start: number; key_end: number; value_end: number },
    headers: Buffer,
    timestamp_ms: number,
  ): boolean {
    const key_bytes = key_end - key_start;
    const value_bytes = value_end < 0 ? -1 : value_end - key_end;
    let at = this.#begin(key_bytes, value_bytes, headers.length, timestamp_ms);
    if (at < 0) return false;
    at = putVarint(this.#buffer, at, key_bytes);
    bytes.copy(this.#buffer, at, key_start, key_end);
    at = putVarint(this.#buffer, at + key_bytes, value_bytes);
    if (value_bytes > 0) bytes.copy(this.#buffer, at, key_end, value_end);
    this.#buffer.set(headers, at + Math.max(value_bytes, 0));
    return true;
  }

  /** Writes what comes before a record's key, and makes room for the rest; returns where the key goes, -1 where the batch is full. */
  #begin(key_bytes: number, value_bytes: number, header_bytes: number, timestamp_ms: number): number {
    if (this.count === 0) this.#base_timestamp_ms = this.#max_timestamp_ms = timestamp_ms;
    const timestamp_delta = timestamp_ms - this.#base_timestamp_ms;
    const size_bytes =
      1 +
      varintBytes(timestamp_delta) +
      varintBytes(this.count) +
      fieldBytes(key_bytes) +
      fieldBytes(value_bytes) +
      header_bytes;
    const end = this.#end + varintBytes(size_bytes) + size_bytes;
    if (end > this.#limit_bytes && this.count > 0) return -1;
    this.#makeRoom(end);
    const buffer = this.#buffer;
    let at = putVarint(buffer, this.#end, size_bytes);
    buffer[at++] = 0;
    at = putVarint(buffer, at, timestamp_delta);
    at = putVarint(buffer, at, this.count);
    this.#end = end;
    this.count += 1;
    if (timestamp_ms > this.#max_timestamp_ms) this.#max_timestamp_ms = timestamp_ms;
    return at;
  }

  /** The batch, which shares memory with the writer: nothing is appended after it. Throws E_WIRE_BATCH if it is empty. */
  finish(options: BatchOptions = {}): Buffer {
    if (this.count === 0) throw new ErrataError('E_WIRE_BATCH', 'a record batch needs at least one record');
    const batch = packed(this.#buffer.subarray(0, this.#end), options.compression ?? 'none');
    const writer = new Writer(batch);
    writer.int64(options.base_offset ?? 0);
    writer.int32(batch.length - LENGTH_OVERHEAD_BYTES);
    writer.int32(0);
    writer.int8(MAGIC);
    writer.uint32(0);
    writer.int16(attributesOf(options));
    writer.int32(this.count - 1);
    writer.int64(this.#base_timestamp_ms);
    writer.int64(this.#max_timestamp_ms);
    writer.int64(options.producer_id ?? -1);
    writer.int16(options.producer_epoch ?? -1);
    writer.int32(options.base_sequence ?? -1);
    writer.int32(this.count);
    batch.writeUInt32BE(crc32c(batch.subarray(AT.attributes)), AT.crc);
    return batch;
  }

  #makeRoom(end: number): void {
    if (end <= this.#buffer.length) return;
    const grown = this.#memory.take(Math.max(end, this.#buffer.length * 2));
    this.#buffer.copy(grown, 0, 0, this.#end);
    this.#memory.giveBack(this.#buffer.buffer);
    this.#buffer = grown;
  }
}

function packed(batch: Buffer, compression: Compression): Buffer {
  if (compression === 'none') return batch;
  const records = compress(compression, batch.subarray(BATCH_HEADER_BYTES));
  return Buffer.concat([batch.subarray(0, BATCH_HEADER_BYTES), records]);
}

function attributesOf(options: BatchOptions): number {
  const compression = COMPRESSIONS.indexOf(options.compression ?? 'none');
  return compression | (options.is_transactional ? 16 : 0) | (options.is_control ? 32 : 0);
}

function zigzag(value: number): number {
  return value >= 0 ? value * 2 : -value * 2 - 1;
}

function varintBytes(value: number): number {
  let rest = zigzag(value);
  let size = 1;
  for (; rest >= 0x80; size++) rest = Math.floor(rest / 128);
  return size;
}

function putVarint(buffer: Buffer, start: number, value: number): number {
  let at = start;
  let rest = zigzag(value);
  for (; rest > 0x7fffffff; rest = Math.floor(rest / 128)) buffer[at++] = (rest % 128) | 0x80;
  for (; rest >= 0x80; rest >>>= 7) buffer[at++] = (rest & 0x7f) | 0x80;
  buffer[at++] = rest;
  return at;
}

/** -1 for null, as the format has it. */
function lengthOf(field: Field): number {
  if (field === null) return -1;
  return typeof field === 'string' ? Buffer.byteLength(field) : field.length;
}

function fieldBytes(length: number): number {
  return length < 0 ? 1 : varintBytes(length) + length;
}

function putField(buffer: Buffer, start: number, field: Field, length: number): number {
  const at = putVarint(buffer, start, length);
  if (field === null) return at;
  if (typeof field !== 'string') buffer.set(field, at);
  // As many bytes as characters: it is ASCII, which is copied as it stands.
  else buffer.write(field, at, length, field.length === length ? 'latin1' : 'utf8');
  return at + length;
}
