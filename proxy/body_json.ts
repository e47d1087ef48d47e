/** The body of a request or response → what it says, if it is JSON. */
import type { IncomingHttpHeaders } from 'node:http';
import { brotliDecompressSync, gunzipSync, inflateSync } from 'node:zlib';

const DECODERS: Record<string, typeof gunzipSync> = {
  gzip: gunzipSync,
  'x-gzip': gunzipSync,
  deflate: inflateSync,
  br: brotliDecompressSync,
};

/** Undefined where it is not JSON, or would have more than `max_bytes`. */
export function bodyJson(
  wire: Uint8Array<ArrayBuffer>,
  headers: IncomingHttpHeaders,
  max_bytes: number,
): unknown {
  try {
    // A view: nothing is copied.
    const given = Buffer.from(wire.buffer, wire.byteOffset, wire.byteLength);
    const bytes = plainBytes(given, headers['content-encoding'], max_bytes);
    return JSON.parse(jsonPart(bytes, headers).toString('utf8'));
  } catch {
    return undefined;
  }
}

function plainBytes(bytes: Buffer, encoding = 'identity', max_bytes: number): Buffer {
  const name = encoding.trim().toLowerCase();
  if (name === 'identity') return bytes;
  const decode = DECODERS[name];
  if (!decode) throw new RangeError(`content-encoding ${encoding} is not known`);
  return decode(bytes, { maxOutputLength: max_bytes });
}

/** With KServe's binary data extension, JSON comes first and this header says how much. */
function jsonPart(bytes: Buffer, headers: IncomingHttpHeaders): Buffer {
  const length = headers['inference-header-content-length'];
  return typeof length === 'string' ? bytes.subarray(0, Number(length)) : bytes;
}
