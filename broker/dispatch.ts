/** One request frame to one response frame: header, version check, decoding, handling, encoding. */
import { ErrataError } from '../messages/errata_error.ts';
import { Reader, Writer } from '../wire/primitives.ts';
import { type Codec, nullableString } from '../wire/schema.ts';
import { unsupportedApiVersions } from './api/api_versions.ts';
import { type Api, type BrokerState, isFlexible } from './api.ts';
import { CATALOGUE, findApi } from './catalogue.ts';

const API_VERSIONS_KEY = 18;

export interface Peer {
  client_host: string;
  closed: AbortSignal;
}

/**
 * The response with its length prefix, or undefined where none is due. Throws ErrataError E_WIRE_… for a malformed
 * request and E_BROKER_VERSION for an unknown API or version: the connection is then closed, as Kafka does.
 */
export async function dispatch(frame: Buffer, broker: BrokerState, peer: Peer): Promise<Buffer | undefined> {
  const reader = new Reader(frame);
  const key = reader.int16();
  const version = reader.int16();
  const correlation_id = reader.int32();
  const api = findApi(key);
  if (api === undefined || version < api.min_version || version > api.max_version) {
    if (key !== API_VERSIONS_KEY) throw unsupported(key, version);
    const { response, value } = unsupportedApiVersions(CATALOGUE);
    return encode(correlation_id, response, value, 0, false, false, 1024);
  }
  const is_flexible = isFlexible(api, version);
  const client_id = nullableString.read(reader, version, false) ?? '';
  if (is_flexible) skipTags(reader);
  const request = api.request.read(reader, version, is_flexible);
  const response = await api.handle(request, { broker, version, client_id, ...peer });
  return response === undefined ? undefined : encodeResponse(api, version, correlation_id, response);
}

function unsupported(key: number, version: number): ErrataError {
  return new ErrataError('E_BROKER_VERSION', `API ${key} in version ${version} is not served here`);
}

function skipTags(reader: Reader): void {
  for (let left = reader.uvarint(); left > 0; left--) {
    reader.uvarint();
    reader.skip(reader.uvarint(), 'header tag');
  }
}

function encodeResponse(api: Api, version: number, correlation_id: number, response: unknown): Buffer {
  const is_flexible = isFlexible(api, version);
  // The header of ApiVersions never has tags, so that a client of any age can read it (KIP-511).
  const has_tags = is_flexible && api.key !== API_VERSIONS_KEY;
  const size_hint = api.sizeHint?.(response) ?? 512;
  return encode(correlation_id, api.response, response, version, is_flexible, has_tags, size_hint);
}

function encode<T>(
  correlation_id: number,
  codec: Codec<T>,
  value: T,
  version: number,
  is_flexible: boolean,
  has_tags: boolean,
  size_hint: number,
): Buffer {
  const writer = new Writer(size_hint);
  writer.int32(0);
  writer.int32(correlation_id);
  if (has_tags) writer.uvarint(0);
  codec.write(writer, value, version, is_flexible);
  const response = writer.toBuffer();
  response.writeInt32BE(response.length - 4, 0);
  return response;
}
