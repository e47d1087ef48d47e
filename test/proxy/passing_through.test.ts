/** What a client sends through the proxy is what the model server gets, and the other way round, byte for byte. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import http, { type IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import { test } from 'node:test';
import { gunzipSync, gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { proxyFor } from '../../proxy/testing.ts';
import { bodyOf, modelServer, whatItWasSent } from '../harness/model_server.ts';
import { until } from '../harness/until.ts';

interface Sent {
  method: string;
  path: string;
  headers: string[];
  chunks: Buffer[];
  is_chunked: boolean;
}

async function ask(url: string, { method, path, headers, chunks, is_chunked }: Sent) {
  const { hostname, port } = new URL(url);
  const length = chunks.reduce((sum, chunk) => sum + chunk.length, 0);
  const framing = is_chunked ? ['Transfer-Encoding', 'chunked'] : ['Content-Length', String(length)];
  const all = ['Host', 'model', ...headers, ...framing];
  const request = http.request({ hostname, port, method, path, headers: all, agent: false });
  for (const chunk of chunks) request.write(chunk);
  request.end();
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  return { response, body: await bodyOf(response) };
}

const bytes = fc.uint8Array({ maxLength: 5_000 }).map((array) => Buffer.from(array));
const headerName = fc.stringMatching(/^[A-Za-z][A-Za-z0-9-]{0,15}$/).map((name) => `X-T-${name}`);
const headerValue = fc.stringMatching(/^([!-~\x80-\xff]([ -~\x80-\xff]{0,20}[!-~\x80-\xff])?)?$/);
const sent: fc.Arbitrary<Sent> = fc.record({
  method: fc.constantFrom('POST', 'PUT', 'PATCH'),
  path: fc.stringMatching(/^[A-Za-z0-9/._~%:@!$&'()*+,;=?-]{0,40}$/).map((rest) => `/echo/${rest}`),
  headers: fc.array(fc.tuple(headerName, headerValue), { maxLength: 6 }).map((pairs) => pairs.flat()),
  chunks: fc.array(bytes, { maxLength: 5 }),
  is_chunked: fc.boolean(),
});

/** In what is about one connection only, the two may differ. */
function withoutHop(raw: readonly string[]): string[] {
  const pairs = Array.from({ length: raw.length / 2 }, (_, at) => [raw[2 * at]!, raw[2 * at + 1]!]);
  return pairs
    .filter(([name]) => !/^(connection|keep-alive|transfer-encoding|host|date|x-prediction-id)$/i.test(name!))
    .map((pair) => pair.join(': '));
}

test('any request and any response arrive as they were sent', { timeout: 120_000 }, async (t) => {
  let answer: Sent = { method: '', path: '', headers: [], chunks: [], is_chunked: false };
  const server = await modelServer(t, async (request, response) => {
    const seen = whatItWasSent(request, await bodyOf(request));
    const told = ['X-Seen', Buffer.from(JSON.stringify(seen)).toString('base64')];
    response.sendDate = false;
    response.writeHead(203, 'As Told', [...answer.headers, ...told]);
    for (const chunk of answer.chunks) response.write(chunk);
    response.end();
  });
  const { url } = await proxyFor(t, server.url);
  const property = fc.asyncProperty(sent, sent, async (request, wanted) => {
    answer = wanted;
    const [direct, proxied] = [await ask(server.url, request), await ask(url, request)];
    const [seen_direct, seen_proxied] = [direct, proxied].map(({ response }) => {
      const seen = JSON.parse(Buffer.from(String(response.headers['x-seen']), 'base64').toString());
      return { ...seen, rawHeaders: withoutHop(seen.rawHeaders) };
    });
    assert.deepEqual(seen_proxied, seen_direct);
    assert.deepEqual(proxied.body, Buffer.concat(wanted.chunks));
    assert.deepEqual([proxied.response.statusCode, proxied.response.statusMessage], [203, 'As Told']);
    const heads = [direct, proxied].map(({ response }) =>
      withoutHop(response.rawHeaders).filter((line) => !line.startsWith('X-Seen')),
    );
    assert.deepEqual(heads[1], heads[0]);
  });
  await fc.assert(property, { numRuns: 200 });
});

test('an inference passes as it is, and both sides get its prediction id', async (t) => {
  const server = await modelServer(t);
  const { url, recorded } = await proxyFor(t, server.url);
  const body = '{ "instances": [[1.0, 2.50], [3, 4e0]] }';
  const response = await fetch(`${url}/v1/models/spam/versions/7:predict`, { method: 'POST', body });
  assert.equal(await response.text(), '{"predictions":[[2,5],[6,8]]}');
  const id = response.headers.get('x-prediction-id');
  assert.match(id!, /^[0-9a-f-]{36}$/);
  assert.equal(server.last_headers['x-prediction-id'], id);
  assert.equal(server.last_headers.host, new URL(server.url).host);

  await until(() => recorded.length === 1, 'it is recorded');
  const [exchange] = recorded;
  assert.equal(exchange!.prediction_id, id);
  assert.equal(Buffer.from(exchange!.request.bytes!).toString(), body);
  assert.deepEqual([exchange!.status, exchange!.ending], [200, 'completed']);
  assert.deepEqual(exchange!.route, { protocol: 'tf_serving', verb: 'predict', model: 'spam', version: '7' });
});

test("a client's own prediction id is kept, if it can be one", async (t) => {
  const server = await modelServer(t);
  const { url, recorded } = await proxyFor(t, server.url);
  const infer = async (id: string) => {
    const response = await fetch(`${url}/v1/models/spam:predict`, {
      method: 'POST',
      body: '{"instances":[[1]]}',
      headers: { 'X-Prediction-Id': id },
    });
    await response.text();
    return response.headers.get('x-prediction-id');
  };
  assert.equal(await infer('mail 1/e'), 'mail 1/e');
  assert.match((await infer('x'.repeat(513)))!, /^[0-9a-f-]{36}$/);
  await until(() => recorded.length === 2, 'both are recorded');
  assert.equal(recorded[0]!.prediction_id, 'mail 1/e');
});

test('what is no inference passes too, unrecorded and without an id', async (t) => {
  const server = await modelServer(t);
  const { url, recorded } = await proxyFor(t, server.url);
  for (const path of ['/v1/models/spam', '/v2/health/ready', '/v1/models/spam/metadata']) {
    const response = await fetch(url + path);
    assert.equal(response.headers.get('x-prediction-id'), null);
    await response.text();
  }
  const head = await fetch(`${url}/anything`, { method: 'HEAD' });
  assert.equal(head.status, 200);
  assert.notEqual(head.headers.get('content-length'), null);
  assert.deepEqual(recorded, []);
});

test('a compressed body stays compressed on the wire', async (t) => {
  const zipped = gzipSync('{"predictions":[1]}');
  const server = await modelServer(t, async (request, response) => {
    assert.deepEqual(gunzipSync(await bodyOf(request)).toString(), '{"instances":[1]}');
    response.writeHead(200, { 'content-encoding': 'gzip', 'content-length': zipped.length });
    response.end(zipped);
  });
  const { url } = await proxyFor(t, server.url);
  const { response, body } = await ask(url, {
    method: 'POST',
    path: '/v1/models/m:predict',
    headers: ['Content-Encoding', 'gzip'],
    chunks: [gzipSync('{"instances":[1]}')],
    is_chunked: true,
  });
  assert.equal(response.headers['content-encoding'], 'gzip');
  assert.deepEqual(body, zipped);
});

test('a body beyond the bound passes whole and is not held', async (t) => {
  const server = await modelServer(t, async (request, response) => {
    const body = await bodyOf(request);
    response.end(body);
  });
  const { url, recorded } = await proxyFor(t, server.url, { max_body_bytes: 1_000 });
  const body = Buffer.alloc(3_000_000, 'x');
  const response = await fetch(`${url}/v2/models/m/infer`, { method: 'POST', body });
  assert.deepEqual(Buffer.from(await response.arrayBuffer()), body);
  await until(() => recorded.length === 1, 'it is recorded');
  const { request, response: answered } = recorded[0]!;
  assert.deepEqual([request.bytes, request.size_bytes], [undefined, body.length]);
  assert.deepEqual([answered.bytes, answered.size_bytes], [undefined, body.length]);
});

test('hop-by-hop headers stay behind, whole URLs become paths, HTTP/1.0 is answered', async (t) => {
  const server = await modelServer(t);
  const { url } = await proxyFor(t, server.url);
  const { port } = new URL(url);
  const socket = connect(Number(port), '127.0.0.1');
  socket.write(
    'GET http://elsewhere/echo?q=1 HTTP/1.0\r\nHost: elsewhere\r\nConnection: x-mine\r\nX-Mine: 1\r\n' +
      'Keep-Alive: timeout=5\r\nTE: trailers\r\nUpgrade: h2c\r\nX-Kept: 2\r\n\r\n',
  );
  const answer = (await bodyOf(socket as unknown as IncomingMessage)).toString();
  const seen = JSON.parse(answer.slice(answer.indexOf('\r\n\r\n') + 4));
  assert.equal(seen.url, '/echo?q=1');
  const names = seen.rawHeaders.filter((_: string, at: number) => at % 2 === 0);
  assert.deepEqual(names.map((name: string) => name.toLowerCase()).sort(), ['connection', 'host', 'x-kept']);
});

test('connections to the upstream are used again', async (t) => {
  const sockets = new Set<unknown>();
  const server = await modelServer(t, async (request, response) => {
    sockets.add(request.socket);
    await bodyOf(request);
    response.end('{}');
  });
  const { url } = await proxyFor(t, server.url);
  for (let count = 0; count < 20; count++) {
    const response = await fetch(`${url}/v1/models/m:predict`, { method: 'POST', body: '{}' });
    await response.text();
  }
  assert.equal(sockets.size, 1);
});
