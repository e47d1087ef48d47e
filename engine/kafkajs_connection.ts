/**
 * Where kafkajs's connection does more than it needs with large requests and answers, it is changed. (kafkajs 2.2.4,
 * src/network/connection.js.)
 *
 * 1. It keeps what follows an answer, be it nothing, and puts the next one behind it: so it copies every answer whole. It
 *    is told to forget nothings.
 * 2. It copies each request twice, into memory that it takes anew and clears. Requests that bring their bytes (`body`) go
 *    out as they are.
 */
import { createRequire } from 'node:module';
import { Writer } from '../wire/primitives.ts';

interface Connection {
  chunks: Buffer[];
  bytesBuffered: number;
  clientId: string;
  sasl: object | null;
  socket: { cork(): void; uncork(): void; write(bytes: Buffer): void };
  requestQueue: {
    push(request: {
      entry: {
        apiKey: number;
        apiName: string;
        apiVersion: number;
        correlationId: number;
        resolve(answer: { payload: Buffer }): void;
        reject(error: Error): void;
      };
      expectResponse: boolean;
      requestTimeout: number | null;
      sendRequest(): void;
    }): void;
  };
  isConnected(): boolean;
  isAuthenticated(): boolean;
  failIfNotConnected(): void;
  nextCorrelationId(): number;
  processData(data: Buffer): void;
  send(exchange: Exchange): Promise<unknown>;
}

interface Exchange {
  request: { apiKey: number; apiVersion: number; apiName: string; body?: Buffer };
  response: { decode(payload: Buffer): Promise<object>; parse(decoded: object): Promise<unknown> };
}

const { prototype } = createRequire(import.meta.url)('kafkajs/src/network/connection.js') as {
  prototype: Connection;
};

let is_patched = false;

export function lightenConnections(): void {
  if (is_patched) return;
  is_patched = true;
  const { processData, send } = prototype;
  prototype.processData = function (this: Connection, data: Buffer): void {
    if (this.bytesBuffered === 0) this.chunks = [];
    processData.call(this, data);
  };
  prototype.send = function (this: Connection, exchange: Exchange): Promise<unknown> {
    const { body } = exchange.request;
    // Without SASL it never is authenticated, and need not be.
    return body && this.isConnected() && (!this.sasl || this.isAuthenticated())
      ? sendBytes(this, exchange, body)
      : send.call(this, exchange);
  };
}

async function sendBytes(
  connection: Connection,
  { request, response }: Exchange,
  body: Buffer,
): Promise<unknown> {
  const { apiKey, apiName, apiVersion } = request;
  const correlationId = connection.nextCorrelationId();
  const head = headOf(request, correlationId, connection.clientId, body.length);
  const { payload } = await new Promise<{ payload: Buffer }>((resolve, reject) => {
    const entry = { apiKey, apiName, apiVersion, correlationId, resolve, reject };
    const sendRequest = () => {
      connection.failIfNotConnected();
      const { socket } = connection;
      socket.cork();
      socket.write(head);
      socket.write(body);
      socket.uncork();
    };
    connection.requestQueue.push({ entry, expectResponse: true, requestTimeout: null, sendRequest });
  });
  return response.parse(await response.decode(payload));
}

/** Length and header (version 1) of a request. */
function headOf(
  { apiKey, apiVersion }: Exchange['request'],
  correlation_id: number,
  client_id: string,
  body_bytes: number,
): Buffer {
  const client_id_bytes = Buffer.byteLength(client_id);
  const writer = new Writer(64 + client_id_bytes);
  writer.int32(10 + client_id_bytes + body_bytes);
  writer.int16(apiKey);
  writer.int16(apiVersion);
  writer.int32(correlation_id);
  writer.int16(client_id_bytes);
  writer.text(client_id, client_id_bytes);
  return writer.toBuffer();
}
