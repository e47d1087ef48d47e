/** Model servers that are away, silent or break off; clients that go; and the end of the proxy. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import http, { type ServerResponse } from 'node:http';
import { createServer } from 'node:net';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { proxyFor } from '../../proxy/testing.ts';
import { freePort } from '../harness/kafka_node.ts';
import { bodyOf, modelServer } from '../harness/model_server.ts';
import { until } from '../harness/until.ts';

const PREDICT = '/v1/models/spam:predict';
const inference = { method: 'POST', body: '{"instances":[[1]]}' };

test('an upstream that is away gives 502, says so, and is recorded; when it is back, all goes on', async (t) => {
  const port = await freePort();
  const { url, recorded } = await proxyFor(t, `http://127.0.0.1:${port}`);
  const response = await fetch(url + PREDICT, inference);
  assert.equal(response.status, 502);
  const { error, code } = (await response.json()) as { error: string; code: string };
  assert.match(error, /http:\/\/127\.0\.0\.1:\d+ has not answered: .*ECONNREFUSED/);
  assert.equal(code, 'E_UPSTREAM');
  assert.notEqual(response.headers.get('x-prediction-id'), null);
  await until(() => recorded.length === 1, 'it is recorded');
  assert.deepEqual([recorded[0]!.status, recorded[0]!.ending], [502, 'upstream_failed']);

  await modelServer(t, undefined, port);
  assert.equal((await fetch(url + PREDICT, inference)).status, 200);
});

test('a large upload to an upstream that is away gets its 502 too', async (t) => {
  const { url } = await proxyFor(t, `http://127.0.0.1:${await freePort()}`);
  const body = Buffer.alloc(5_000_000, 'x');
  assert.equal((await fetch(url + PREDICT, { method: 'POST', body })).status, 502);
});

test('a silent upstream gives 504 after the time-out', async (t) => {
  const server = await modelServer(t, () => undefined);
  const { url, recorded } = await proxyFor(t, server.url, { timeout_ms: 300 });
  const response = await fetch(url + PREDICT, inference);
  assert.equal(response.status, 504);
  assert.match(await response.text(), /silent/);
  await until(() => recorded.length === 1, 'it is recorded');
  assert.equal(recorded[0]!.ending, 'timed_out');
});

test('an upstream that breaks off in the middle breaks the response off', async (t) => {
  const server = await modelServer(t, async (request, response) => {
    await bodyOf(request);
    response.writeHead(200, { 'content-length': 100 });
    response.write('some');
    setTimeout(() => response.destroy(), 50);
  });
  const { url, recorded } = await proxyFor(t, server.url);
  await assert.rejects(fetch(url + PREDICT, inference).then((response) => response.text()));
  await until(() => recorded.length === 1, 'it is recorded');
  assert.deepEqual([recorded[0]!.status, recorded[0]!.ending], [200, 'upstream_failed']);
});

test('a client that goes away ends the work of the upstream', async (t) => {
  let is_aborted = false;
  const server = await modelServer(t, async (request, response) => {
    response.once('close', () => {
      is_aborted = !response.writableFinished;
    });
    await bodyOf(request);
  });
  const { url, recorded, server: proxy } = await proxyFor(t, server.url);
  const leaving = new AbortController();
  const asked = fetch(url + PREDICT, { ...inference, signal: leaving.signal });
  await until(() => proxy.in_flight === 1, 'it is under way');
  await delay(100);
  leaving.abort();
  await assert.rejects(asked);
  await until(() => is_aborted, 'the upstream sees it');
  await until(() => recorded.length === 1, 'it is recorded');
  assert.deepEqual([recorded[0]!.status, recorded[0]!.ending], [undefined, 'client_aborted']);
  assert.equal(proxy.in_flight, 0);
});

test('a client that goes away in the middle of its request is no trouble', async (t) => {
  const server = await modelServer(t);
  const { url, server: proxy, recorded } = await proxyFor(t, server.url);
  const request = http.request(url + PREDICT, { method: 'POST', headers: { 'content-length': 1000 } });
  request.on('error', () => undefined);
  request.write('{"instances"');
  await until(() => proxy.in_flight === 1, 'it is under way');
  request.destroy();
  await until(() => recorded.length === 1, 'it is recorded');
  assert.equal(recorded[0]!.ending, 'client_aborted');
  assert.equal((await fetch(url + PREDICT, inference)).status, 200);
});

test('a connection that the upstream closes while it is idle costs no inference', async (t) => {
  // Answers once on each connection, and closes it when it is used again: as one that timed out meanwhile.
  let connections = 0;
  const server = createServer((socket) => {
    let requests = 0;
    connections++;
    socket.on('error', () => undefined);
    socket.on('data', () => {
      if (requests++ > 0) socket.resetAndDestroy();
      else socket.write('HTTP/1.1 200 OK\r\ncontent-length: 2\r\nkeep-alive: timeout=60\r\n\r\n{}');
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => server.close());
  const { port } = server.address() as { port: number };
  const { url } = await proxyFor(t, `http://127.0.0.1:${port}`);
  for (let count = 0; count < 5; count++) {
    const response = await fetch(url + PREDICT, inference);
    assert.deepEqual([response.status, await response.text()], [200, '{}']);
  }
  assert(connections >= 3, 'they were new ones');
});

test('an upstream that answers before it has read the whole request is heard', async (t) => {
  const server = await modelServer(t, (_, response) => {
    response.writeHead(413, { connection: 'close' });
    response.end('too large');
  });
  const { url } = await proxyFor(t, server.url);
  const request = http.request(url + PREDICT, { method: 'POST', headers: { 'content-length': 10_000_000 } });
  request.on('error', () => undefined);
  request.write(Buffer.alloc(100_000));
  const [response] = await once(request, 'response');
  assert.equal(response.statusCode, 413);
  assert.equal((await bodyOf(response)).toString(), 'too large');
  request.destroy();
});

test('draining finishes what is under way and takes nothing new', async (t) => {
  const waiting: ServerResponse[] = [];
  const server = await modelServer(t, async (request, response) => {
    await bodyOf(request);
    waiting.push(response);
  });
  const { url, server: proxy } = await proxyFor(t, server.url);
  const asked = fetch(url + PREDICT, inference);
  await until(() => waiting.length === 1, 'it is under way');
  const drained = proxy.drain(10_000);
  await until(async () => {
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const probe = http.get(url, { agent: false });
    probe.once('error', () => resolve(true)).once('response', () => resolve(false));
    return await promise;
  }, 'it refuses connections');
  waiting[0]!.end('{"predictions":[]}');
  assert.equal(await (await asked).text(), '{"predictions":[]}');
  await drained;
});

test('requests that HTTP does not know are refused, and the proxy goes on', async (t) => {
  const server = await modelServer(t);
  const { url } = await proxyFor(t, server.url);
  const raw = async (text: string) => {
    const socket = (await import('node:net')).connect(Number(new URL(url).port), '127.0.0.1');
    socket.end(text);
    const chunks: Buffer[] = [];
    for await (const chunk of socket) chunks.push(chunk as Buffer);
    return Buffer.concat(chunks).toString().split('\r\n')[0];
  };
  assert.equal(await raw('nonsense\r\n\r\n'), 'HTTP/1.1 400 Bad Request');
  assert.equal(
    await raw(
      'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    ),
    'HTTP/1.1 400 Bad Request',
  );
  assert.match((await raw('GET nowhere HTTP/1.1\r\nHost: a\r\n\r\n'))!, /400/);
  assert.equal((await fetch(url + PREDICT, inference)).status, 200);
});
