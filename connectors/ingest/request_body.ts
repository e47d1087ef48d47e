/** What the headers of a request say of its body, and the body itself, decompressed. */
import type { IncomingHttpHeaders } from 'node:http';
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { ErrataError, errorMessage } from '../../messages/errata_error.ts';
import type { BodyForm } from './body_records.ts';
import { JSON_TYPES, NDJSON_TYPES } from './routes.ts';

const unzip = promisify(gunzip);

/** A body without a type is taken for JSON. Throws E_MEDIA_TYPE. */
export function formOf({ 'content-type': type }: IncomingHttpHeaders): BodyForm {
  const name = (type ?? '').split(';', 1)[0]!.trim().toLowerCase();
  if (name === '' || JSON_TYPES.includes(name)) return 'json';
  if (NDJSON_TYPES.includes(name)) return 'ndjson';
  throw new ErrataError('E_MEDIA_TYPE', `${name} is not taken`, {
    hint: `say what it is: curl -H 'content-type: application/json'; taken are ${[...JSON_TYPES, ...NDJSON_TYPES].join(', ')}`,
  });
}

/** Throws E_MEDIA_TYPE. */
export function isZipped({ 'content-encoding': encoding }: IncomingHttpHeaders): boolean {
  const name = encoding?.trim().toLowerCase() ?? 'identity';
  if (name === 'gzip' || name === 'x-gzip') return true;
  if (name === 'identity' || name === '') return false;
  throw new ErrataError('E_MEDIA_TYPE', `content-encoding ${name} is not taken`, {
    hint: 'send gzip or none',
  });
}

/** How large it says to be; undefined where it does not. */
export function declaredBytes({ 'content-length': length }: IncomingHttpHeaders): number | undefined {
  return length === undefined ? undefined : Number(length);
}

/** Throws E_REQUEST for what is no gzip, E_BODY_TOO_LARGE. */
export async function unzipped(body: Buffer, max_bytes: number): Promise<Buffer> {
  try {
    return await unzip(body, { maxOutputLength: max_bytes });
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE') {
      throw new ErrataError('E_BODY_TOO_LARGE', `decompressed, the body has more than ${max_bytes} bytes`);
    }
    throw new ErrataError('E_REQUEST', `the body is not gzip: ${errorMessage(cause)}`);
  }
}

/** Throws E_REQUEST for one that is none. */
export function idempotencyKeyIn({ 'idempotency-key': key }: IncomingHttpHeaders): string | undefined {
  if (key === undefined) return undefined;
  if (typeof key === 'string' && /^[\x20-\x7e]{1,255}$/.test(key)) return key;
  throw new ErrataError('E_REQUEST', 'an Idempotency-Key has 1 to 255 printable ASCII characters');
}
