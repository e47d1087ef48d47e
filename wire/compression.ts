/**
 * Compression of record batches: gzip and zstd by node:zlib, snappy (raw and in the xerial framing that Java
 * clients write) and lz4 frames by native add-ons that are loaded when the first such batch is read.
 * What a batch may unpack to is bounded, so that a small one cannot fill the memory.
 */
import { createRequire } from 'node:module';
import { gunzipSync, gzipSync, zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import { ErrataError, errorMessage } from '../messages/errata_error.ts';
import { Reader } from './primitives.ts';

/** In the order of the attribute bits 0–2 of a batch. */
export const COMPRESSIONS = ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const;
export type Compression = (typeof COMPRESSIONS)[number];

/** The most that one batch may unpack to. */
export const MAX_DECOMPRESSED_BYTES = 256 * 1024 * 1024;

const XERIAL_MAGIC = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0x00]);
const XERIAL_HEADER_BYTES = 16;
const LZ4_MAGIC = 0x184d2204;
const LZ4_BLOCK_BYTES = [0, 0, 0, 0, 64 * 1024, 256 * 1024, 1024 * 1024, 4 * 1024 * 1024];

interface Snappy {
  uncompressSync(input: Uint8Array, options?: { asBuffer?: boolean }): string | Buffer;
  compressSync(input: Uint8Array): Buffer;
}
interface Lz4 {
  decompressFrameSync(input: Buffer): Buffer;
  compressFrameSync(input: Buffer): Buffer;
}

const require = createRequire(import.meta.url);
let snappy: Snappy | undefined;
let lz4: Lz4 | undefined;

function loadSnappy(): Snappy {
  snappy ??= require('snappy') as Snappy;
  return snappy;
}

function loadLz4(): Lz4 {
  lz4 ??= require('lz4-napi') as Lz4;
  return lz4;
}

function tooLarge(limit: number): never {
  throw new ErrataError('E_WIRE_DECOMPRESSED_SIZE', `a batch would unpack to more than ${limit} bytes`);
}

/** A raw snappy block starts with its unpacked size. */
function unsnappyBlock(block: Buffer, limit: number): Buffer {
  if (new Reader(block).uvarint() > limit) tooLarge(limit);
  return loadSnappy().uncompressSync(block, { asBuffer: true }) as Buffer;
}

function unsnappy(data: Buffer, limit: number): Buffer {
  if (!data.subarray(0, XERIAL_MAGIC.length).equals(XERIAL_MAGIC)) return unsnappyBlock(data, limit);
  const reader = new Reader(data);
  reader.skip(XERIAL_HEADER_BYTES, 'xerial header');
  const blocks: Buffer[] = [];
  let left = limit;
  while (reader.remaining > 0) {
    const block = unsnappyBlock(reader.slice(reader.int32(), 'snappy block'), left);
    left -= block.length;
    blocks.push(block);
  }
  return Buffer.concat(blocks);
}

/** What the blocks of an lz4 frame can unpack to at most. Source: lz4_Frame_format.md of the lz4 project. */
function lz4Bound(data: Buffer): number {
  const reader = new Reader(data);
  if (reader.skip(4) + 4 > data.length || data.readUInt32LE(0) !== LZ4_MAGIC) {
    throw new ErrataError('E_WIRE_COMPRESSION', 'lz4 data does not start with a frame');
  }
  const flags = reader.int8();
  const block_bytes = LZ4_BLOCK_BYTES[(reader.int8() >> 4) & 7]!;
  reader.skip((flags & 0x08 ? 8 : 0) + (flags & 0x01 ? 4 : 0) + 1, 'lz4 header');
  let bound = 0;
  while (reader.remaining >= 4) {
    const size = data.readUInt32LE(reader.skip(4)) & 0x7fffffff;
    if (size === 0) break;
    reader.skip(size + (flags & 0x10 ? 4 : 0), 'lz4 block');
    // An lz4 block expands at most 255 times, so a short block cannot claim a full one.
    bound += Math.min(block_bytes, size * 255);
  }
  return bound;
}

function unlz4(data: Buffer, limit: number): Buffer {
  if (lz4Bound(data) > limit) tooLarge(limit);
  return loadLz4().decompressFrameSync(data);
}

const DECOMPRESS: Record<Exclude<Compression, 'none'>, (data: Buffer, limit: number) => Buffer> = {
  gzip: (data, limit) => gunzipSync(data, { maxOutputLength: limit }),
  zstd: (data, limit) => zstdDecompressSync(data, { maxOutputLength: limit }),
  snappy: unsnappy,
  lz4: unlz4,
};

/** Throws ErrataError E_WIRE_COMPRESSION for broken data, E_WIRE_DECOMPRESSED_SIZE above `limit` bytes. */
export function decompress(compression: Compression, data: Buffer, limit = MAX_DECOMPRESSED_BYTES): Buffer {
  if (compression === 'none') return data;
  try {
    return DECOMPRESS[compression](data, limit);
  } catch (thrown) {
    if (thrown instanceof ErrataError) throw thrown;
    if (thrown instanceof RangeError) tooLarge(limit);
    throw new ErrataError('E_WIRE_COMPRESSION', `broken ${compression} data: ${errorMessage(thrown)}`, {
      cause: thrown,
    });
  }
}

const COMPRESS: Record<Exclude<Compression, 'none'>, (data: Buffer) => Buffer> = {
  gzip: (data) => gzipSync(data),
  zstd: (data) => zstdCompressSync(data),
  snappy: (data) => loadSnappy().compressSync(data),
  lz4: (data) => loadLz4().compressFrameSync(data),
};

export function compress(compression: Compression, data: Buffer): Buffer {
  return compression === 'none' ? data : COMPRESS[compression](data);
}
