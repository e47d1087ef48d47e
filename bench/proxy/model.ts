/** A model server that answers at once: `node model.ts`; prints its port. */
import http from 'node:http';
import type { AddressInfo } from 'node:net';

const ANSWER = JSON.stringify({ predictions: [Array.from({ length: 10 }, (_, at) => at / 10)] });
const HEAD = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(ANSWER) };

const server = http.createServer({ keepAliveTimeout: 60_000 }, (request, response) => {
  request.resume();
  request.once('end', () => response.writeHead(200, HEAD).end(ANSWER));
});
server.listen(0, '127.0.0.1', () => console.log((server.address() as AddressInfo).port));
