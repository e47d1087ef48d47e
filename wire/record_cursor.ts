/**
 * Reading the records of a batch. The cursor allocates nothing per record: it tells where key and value lie, and
 * makes slices only when asked. Slices share memory with the batch: copy what must outlive it.
 */
import { ErrataError } from '../messages/errata_error.ts';
import { BATCH_HEADER_BYTES } from './batch_layout.ts';
import { decompress } from './compression.ts';
import { badVarint, Reader, truncated } from './primitives.ts';
import type { BatchHeader, BatchRecord } from './record_batch.ts';

export interface DecodedRecord extends BatchRecord {
  offset: number;
  headers: [string, Buffer | null][];
}

/**
 * `while (cursor.next()) …` goes over the records of one batch after the other (`open`). A start of -1 means null.
 * Throws ErrataError E_WIRE_TRUNCATED, E_WIRE_VARINT, E_WIRE_RECORD or E_WIRE_COMPRESSION for a broken batch.
 */
export class RecordCursor {
  /** The batch's records, to which the positions below refer. */
  buffer: Buffer = Buffer.alloc(0);
  offset = -1;
  timestamp_ms = -1;
  key_start = -1;
  key_end = -1;
  value_start = -1;
  value_end = -1;
  header_count = 0;
  /** Where the current record begins. */
  start = 0;
  #headers_at = 0;
  #record_end = 0;
  #position = 0;
  #end = 0;
  #left = 0;
  #base_offset = 0;
  #base_timestamp_ms = 0;
  #log_append = false;
  #max_timestamp_ms = 0;

  /** Starts on the batch that `header` (of readBatchHeader) describes. */
  open(buffer: Buffer, header: BatchHeader): void {
    this.openUnpacked(unpackedRecords(buffer, header), header);
  }

  /** As `open`, for records that `unpackedRecords` gave. */
  openUnpacked(records: Buffer, header: BatchHeader): void {
    this.buffer = records;
    this.#position = 0;
    this.#end = records.length;
    this.#left = header.record_count;
    this.#base_offset = header.base_offset;
    this.#base_timestamp_ms = header.base_timestamp_ms;
    this.#max_timestamp_ms = header.max_timestamp_ms;
    this.#log_append = header.timestamp_type === 'log_append';
  }

  next(): boolean {
    if (this.#left === 0) {
      if (this.#position !== this.#end) this.#broken('bytes follow the last record');
      return false;
    }
    this.#left--;
    this.start = this.#position;
    const length = this.#varint();
    const record_end = this.#position + length;
    if (length < 0) this.#broken(`negative length ${length}`);
    if (record_end > this.#end) truncated('record', this.#position);
    this.#record_end = record_end;
    this.#position++; // the attributes of a record are not used
    const timestamp_delta = this.#varint();
    this.timestamp_ms = this.#log_append ? this.#max_timestamp_ms : this.#base_timestamp_ms + timestamp_delta;
    this.offset = this.#base_offset + this.#varint();
    const key_bytes = this.#varint();
    this.key_start = key_bytes < 0 ? -1 : this.#position;
    this.key_end = this.#advance(key_bytes);
    const value_bytes = this.#varint();
    this.value_start = value_bytes < 0 ? -1 : this.#position;
    this.value_end = this.#advance(value_bytes);
    this.header_count = this.#varint();
    this.#headers_at = this.#position;
    if (this.header_count < 0 || this.header_count > record_end - this.#position) {
      this.#broken(`impossible header count ${this.header_count}`);
    }
    this.#position = record_end;
    return true;
  }

  /** The current record and those behind it in the batch. */
  get left(): number {
    return this.#left + 1;
  }

  /** What a record's time is counted from, or, where `has_own_times` is false, the time of all. */
  get base_timestamp_ms(): number {
    return this.#log_append ? this.#max_timestamp_ms : this.#base_timestamp_ms;
  }

  get has_own_times(): boolean {
    return !this.#log_append;
  }

  /** As if `next` had come to so many records from the current one on, of which the last ends at `position`. Only `offset` is told of it. */
  pass(records: number, position: number, offset_delta: number): void {
    this.#left -= records - 1;
    this.#position = position;
    this.offset = this.#base_offset + offset_delta;
  }

  /** Where in `buffer` the next record starts, which is where the present one ends. */
  get position(): number {
    return this.#position;
  }

  key(): Buffer | null {
    return this.key_start < 0 ? null : this.buffer.subarray(this.key_start, this.key_end);
  }

  value(): Buffer | null {
    return this.value_start < 0 ? null : this.buffer.subarray(this.value_start, this.value_end);
  }

  headers(): [string, Buffer | null][] {
    const reader = new Reader(this.buffer, this.#headers_at, this.#record_end);
    const headers: [string, Buffer | null][] = [];
    for (let index = 0; index < this.header_count; index++) {
      const name = reader.text(reader.varint());
      const value_bytes = reader.varint();
      headers.push([name, value_bytes < 0 ? null : reader.slice(value_bytes)]);
    }
    return headers;
  }

  /** Everything about the current record, for where speed does not matter. */
  record(): DecodedRecord {
    const { offset, timestamp_ms } = this;
    return { offset, timestamp_ms, key: this.key(), value: this.value(), headers: this.headers() };
  }

  #broken(what: string): never {
    throw new ErrataError('E_WIRE_RECORD', `record after offset ${this.offset}: ${what}`);
  }

  /** Moves over a field of the current record and returns its end; a negative length is a null field. */
  #advance(length: number): number {
    if (length < 0) return -1;
    this.#position += length;
    if (this.#position > this.#record_end) truncated('field', this.#position - length);
    return this.#position;
  }

  /** Zig-zag varint; up to four bytes in integer arithmetic, as nearly all are. */
  #varint(): number {
    const { buffer } = this;
    let at = this.#position;
    let value = 0;
    for (let shift = 0; shift < 28; shift += 7) {
      if (at >= this.#end) truncated('varint', at);
      const byte = buffer[at++]!;
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) {
        this.#position = at;
        return (value >>> 1) ^ -(value & 1);
      }
    }
    return this.#longVarint();
  }

  #longVarint(): number {
    const start = this.#position;
    let value = 0;
    let factor = 1;
    for (let at = start; at < start + 10; at++, factor *= 128) {
      if (at >= this.#end) truncated('varint', at);
      const byte = this.buffer[at]!;
      value += (byte & 0x7f) * factor;
      if (byte < 0x80) {
        this.#position = at + 1;
        return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
      }
    }
    return badVarint(start);
  }
}

/** The bytes of a batch's records: part of `buffer`, or unpacked. Throws E_WIRE_COMPRESSION. */
export function unpackedRecords(buffer: Buffer, header: BatchHeader): Buffer {
  const { position, size_bytes, compression } = header;
  const packed = buffer.subarray(position + BATCH_HEADER_BYTES, position + size_bytes);
  return compression === 'none' ? packed : decompress(compression, packed);
}

/** The records of one batch as objects, for tests and small reads. */
export function recordsOf(buffer: Buffer, header: BatchHeader): DecodedRecord[] {
  const cursor = new RecordCursor();
  cursor.open(buffer, header);
  const records: DecodedRecord[] = [];
  while (cursor.next()) records.push(cursor.record());
  return records;
}

/** What a control batch says (KIP-98): how the transaction of its producer ended. */
export function controlType(buffer: Buffer, header: BatchHeader): 'abort' | 'commit' | 'unknown' {
  const cursor = new RecordCursor();
  cursor.open(buffer, header);
  const key = cursor.next() ? cursor.key() : null;
  if (key === null || key.length < 4) return 'unknown';
  const type = key.readInt16BE(2);
  return type === 0 ? 'abort' : type === 1 ? 'commit' : 'unknown';
}
