import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { test } from 'node:test';
import { lightenConnections } from './kafkajs_connection.ts';

const require = createRequire(import.meta.url);
const Connection = require('kafkajs/src/network/connection.js') as {
  prototype: { send(this: object, exchange: object): Promise<unknown> };
};
const BODY = Buffer.from('as it is');
const PRODUCE = { apiKey: 0, apiVersion: 7, apiName: 'Produce', body: BODY };

/** What goes to the socket of a connection that is up. */
async function written(sasl: object | null, is_authenticated: boolean): Promise<Buffer[]> {
  const bytes: Buffer[] = [];
  const socket = { cork: () => undefined, uncork: () => undefined, write: (one: Buffer) => bytes.push(one) };
  const requestQueue = {
    push: ({ entry, sendRequest }: { entry: { resolve(of: object): void }; sendRequest(): void }) => {
      sendRequest();
      entry.resolve({ payload: Buffer.alloc(0) });
    },
  };
  const connection = {
    ...{ clientId: 'errata', sasl, socket, requestQueue, chunks: [], bytesBuffered: 0 },
    isConnected: () => true,
    isAuthenticated: () => is_authenticated,
    failIfNotConnected: () => undefined,
    nextCorrelationId: () => 7,
  };
  const response = { decode: async () => ({}), parse: async () => ({}) };
  await Connection.prototype.send.call(connection, { request: PRODUCE, response });
  return bytes;
}

test('a request that brings its bytes goes out as it is, with SASL and without', async () => {
  lightenConnections();
  for (const [sasl, is_authenticated] of [
    [null, false],
    [{ mechanism: 'plain' }, true],
  ] as const) {
    const [head, body] = await written(sasl, is_authenticated);
    assert.equal(body, BODY, 'not a copy of it');
    assert.equal(head!.readInt32BE(0), head!.length - 4 + BODY.length);
    assert.equal(head!.readInt32BE(8), 7);
    assert.equal(head!.subarray(14).toString(), 'errata');
  }
});
