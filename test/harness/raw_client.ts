/** A client that sends any request in any version over one connection, for what kafkajs does not show or would retry. */
import { connect, type Socket } from 'node:net';
import { isFlexible } from '../../broker/api.ts';
import { findApi } from '../../broker/catalogue.ts';
import { Reader, Writer } from '../../wire/primitives.ts';
import { nullableString } from '../../wire/schema.ts';

const API_VERSIONS_KEY = 18;

export class RawClient {
  readonly #socket: Socket;
  #chunks: Buffer[] = [];
  #wake: () => void = () => {};
  #correlation_id = 0;
  #is_closed = false;

  /** `address` is `host:port`. */
  constructor(address: string) {
    const [host, port] = address.split(':');
    this.#socket = connect({ host: host!, port: Number(port), noDelay: true });
    this.#socket.on('data', (chunk) => {
      this.#chunks.push(chunk);
      this.#wake();
    });
    this.#socket.on('error', () => {});
    this.#socket.on('close', () => {
      this.#is_closed = true;
      this.#wake();
    });
  }

  /** Sends bytes as they are. */
  send(bytes: Buffer): void {
    this.#socket.write(bytes);
  }

  /** Resolves with the decoded answer; rejects if the connection is closed instead. */
  async call<Response = unknown>(
    api_name: string,
    key: number,
    version: number,
    request: unknown,
  ): Promise<Response> {
    const api = findApi(key)!;
    if (api.name !== api_name) throw new Error(`API ${key} is ${api.name}`);
    this.send(encodeRequest(key, version, ++this.#correlation_id, request));
    const reader = new Reader(await this.frame());
    if (reader.int32() !== this.#correlation_id) throw new Error('answered out of order');
    const is_flexible = isFlexible(api, version);
    if (is_flexible && key !== API_VERSIONS_KEY) reader.uvarint();
    return api.response.read(reader, version, is_flexible) as Response;
  }

  /** The next response without its length. */
  async frame(): Promise<Buffer> {
    for (;;) {
      const frame = this.#takeFrame();
      if (frame !== undefined) return frame;
      if (this.#is_closed) throw new Error('connection closed');
      await this.#changed();
    }
  }

  /** Resolves when the broker has closed the connection. */
  async closed(): Promise<void> {
    while (!this.#is_closed) await this.#changed();
  }

  end(): void {
    this.#socket.destroy();
  }

  #takeFrame(): Buffer | undefined {
    const received_bytes = this.#chunks.reduce((sum, { length }) => sum + length, 0);
    if (received_bytes < 4) return undefined;
    if (this.#chunks[0]!.length < 4) this.#chunks = [Buffer.concat(this.#chunks)];
    const end = 4 + this.#chunks[0]!.readInt32BE(0);
    if (received_bytes < end) return undefined;
    const received = Buffer.concat(this.#chunks);
    this.#chunks = received.length === end ? [] : [received.subarray(end)];
    return received.subarray(4, end);
  }

  #changed(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }
}

/** A whole request frame with its length. */
export function encodeRequest(
  key: number,
  version: number,
  correlation_id: number,
  request: unknown,
): Buffer {
  const api = findApi(key)!;
  const is_flexible = isFlexible(api, version);
  const writer = new Writer(1024);
  writer.int32(0);
  writer.int16(key);
  writer.int16(version);
  writer.int32(correlation_id);
  nullableString.write(writer, 'raw', version, false);
  if (is_flexible) writer.uvarint(0);
  api.request.write(writer, request, version, is_flexible);
  const frame = writer.toBuffer();
  frame.writeInt32BE(frame.length - 4, 0);
  return frame;
}
