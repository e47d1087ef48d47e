/**
 * Kafka's primitive types, read with every length checked before anything is allocated, and written into a
 * growing buffer. Source: https://kafka.apache.org/protocol ("Protocol Primitive Types").
 *
 * 64-bit integers come as `number`: offsets, timestamps and producer ids stay below 2^53 in any real log.
 */
import { ErrataError } from '../messages/errata_error.ts';

const TWO_32 = 0x1_0000_0000;
const MAX_INT64 = 2n ** 63n - 1n;

/** Throws E_WIRE_TRUNCATED: the bytes end before the value does. */
export function truncated(what: string, position: number): never {
  throw new ErrataError('E_WIRE_TRUNCATED', `${what} at byte ${position} goes beyond the end of the data`);
}

/** Throws E_WIRE_LENGTH: a length that no well-formed message can have. */
export function badLength(what: string, length: number, position: number): never {
  throw new ErrataError('E_WIRE_LENGTH', `${what} at byte ${position} has impossible length ${length}`);
}

/** Throws E_WIRE_VARINT: more continuation bytes than the type allows. */
export function badVarint(position: number): never {
  throw new ErrataError('E_WIRE_VARINT', `variable-length integer at byte ${position} is too long`);
}

/**
 * Reads from `position` up to `end`. Byte fields are slices that share memory with the buffer. Throws ErrataError
 * E_WIRE_TRUNCATED, E_WIRE_LENGTH or E_WIRE_VARINT.
 */
export class Reader {
  readonly buffer: Buffer;
  readonly end: number;
  position: number;

  constructor(buffer: Buffer, position = 0, end = buffer.length) {
    this.buffer = buffer;
    this.position = position;
    this.end = end;
  }

  get remaining(): number {
    return this.end - this.position;
  }

  /** Moves over `length` bytes and returns where they start. */
  skip(length: number, what = 'value'): number {
    const start = this.position;
    if (length < 0) badLength(what, length, start);
    if (length > this.end - start) truncated(what, start);
    this.position = start + length;
    return start;
  }

  int8(): number {
    return this.buffer.readInt8(this.skip(1, 'int8'));
  }

  int16(): number {
    return this.buffer.readInt16BE(this.skip(2, 'int16'));
  }

  int32(): number {
    return this.buffer.readInt32BE(this.skip(4, 'int32'));
  }

  uint32(): number {
    return this.buffer.readUInt32BE(this.skip(4, 'uint32'));
  }

  /** A 64-bit integer as a number: exact up to 2^53. */
  int64(): number {
    const at = this.skip(8, 'int64');
    return this.buffer.readInt32BE(at) * TWO_32 + this.buffer.readUInt32BE(at + 4);
  }

  boolean(): boolean {
    return this.int8() !== 0;
  }

  /** Unsigned varint of at most 32 bits (lengths and tags of flexible versions). */
  uvarint(): number {
    const start = this.position;
    let value = 0;
    for (let factor = 1; factor <= 2 ** 28; factor *= 128) {
      const byte = this.buffer[this.skip(1, 'varint')]!;
      value += (byte & 0x7f) * factor;
      if (byte < 0x80) return value;
    }
    return badVarint(start);
  }

  /** Zig-zag varint of at most 32 bits. */
  varint(): number {
    const value = this.uvarint();
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
  }

  /** Zig-zag varint of at most 64 bits, as a number. */
  varlong(): number {
    const start = this.position;
    let value = 0;
    for (let factor = 1; factor <= 2 ** 63; factor *= 128) {
      const byte = this.buffer[this.skip(1, 'varlong')]!;
      value += (byte & 0x7f) * factor;
      if (byte < 0x80) return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
    }
    return badVarint(start);
  }

  slice(length: number, what = 'bytes'): Buffer {
    const start = this.skip(length, what);
    return this.buffer.subarray(start, this.position);
  }

  text(length: number): string {
    const start = this.skip(length, 'string');
    return this.buffer.toString('utf8', start, this.position);
  }

  /** The length of an array whose items take at least `item_bytes` each; -1 is null. */
  arrayLength(length: number, item_bytes: number): number {
    if (length < -1) badLength('array', length, this.position);
    if (length * item_bytes > this.remaining) badLength('array', length, this.position);
    return length;
  }
}

/** Writes into a buffer that doubles when full. `toBuffer` returns a view of what was written. */
export class Writer {
  position = 0;
  buffer: Buffer;

  /** `memory`: what it writes to, for as long as there is room; or of how many bytes that is to be. */
  constructor(memory: Buffer | number = 256) {
    this.buffer = typeof memory === 'number' ? Buffer.allocUnsafe(memory) : memory;
  }

  /** Makes room for `length` bytes and returns where they start. */
  reserve(length: number): number {
    const start = this.position;
    const needed = start + length;
    if (needed > this.buffer.length) {
      const grown = Buffer.allocUnsafe(Math.max(needed, this.buffer.length * 2));
      this.buffer.copy(grown, 0, 0, start);
      this.buffer = grown;
    }
    this.position = needed;
    return start;
  }

  int8(value: number): void {
    const at = this.reserve(1);
    this.buffer.writeInt8(value, at);
  }

  int16(value: number): void {
    const at = this.reserve(2);
    this.buffer.writeInt16BE(value, at);
  }

  int32(value: number): void {
    const at = this.reserve(4);
    this.buffer.writeInt32BE(value, at);
  }

  uint32(value: number): void {
    const at = this.reserve(4);
    this.buffer.writeUInt32BE(value, at);
  }

  /** What a 64-bit integer cannot hold is written as the nearest that it can. */
  int64(value: number): void {
    const at = this.reserve(8);
    const high = Math.floor(value / TWO_32);
    if (high > 0x7fffffff) this.buffer.writeBigInt64BE(MAX_INT64, at);
    else if (high < -0x80000000) this.buffer.writeBigInt64BE(-MAX_INT64, at);
    else {
      this.buffer.writeInt32BE(high, at);
      this.buffer.writeUInt32BE(value - high * TWO_32, at + 4);
    }
  }

  boolean(value: boolean): void {
    this.int8(value ? 1 : 0);
  }

  /** Unsigned varint of a non-negative integer below 2^53. */
  uvarint(value: number): void {
    let rest = value;
    while (rest >= 0x80) {
      const at = this.reserve(1);
      this.buffer[at] = (rest % 128) + 128;
      rest = Math.floor(rest / 128);
    }
    const at = this.reserve(1);
    this.buffer[at] = rest;
  }

  /** Zig-zag varint; 32 and 64 bits are written alike. */
  varint(value: number): void {
    this.uvarint(value >= 0 ? value * 2 : -value * 2 - 1);
  }

  raw(bytes: Uint8Array): void {
    const at = this.reserve(bytes.length);
    this.buffer.set(bytes, at);
  }

  text(value: string, length: number): void {
    const at = this.reserve(length);
    this.buffer.write(value, at, length, 'utf8');
  }

  toBuffer(): Buffer {
    return this.buffer.subarray(0, this.position);
  }
}
