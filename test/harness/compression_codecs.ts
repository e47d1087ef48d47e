/** Registers the codecs that kafkajs does not bring, so that tests can write and read every kind of batch. */
import { promisify } from 'node:util';
import { zstdCompress, zstdDecompress } from 'node:zlib';
import kafkajs from 'kafkajs';
import { compressFrame, decompressFrame } from 'lz4-napi';
import { compress, uncompress } from 'snappy';

interface Encoder {
  buffer: Buffer;
}

function codec(pack: (data: Buffer) => Promise<Buffer>, unpack: (data: Buffer) => Promise<Buffer>) {
  return () => ({ compress: ({ buffer }: Encoder) => pack(buffer), decompress: unpack });
}

export function registerCodecs(): void {
  const { CompressionCodecs, CompressionTypes } = kafkajs;
  CompressionCodecs[CompressionTypes.Snappy] = codec(
    compress,
    async (data) => (await uncompress(data)) as Buffer,
  );
  CompressionCodecs[CompressionTypes.LZ4] = codec(compressFrame, decompressFrame);
  CompressionCodecs[CompressionTypes.ZSTD] = codec(promisify(zstdCompress), promisify(zstdDecompress));
}
