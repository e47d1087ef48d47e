import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { headersOf, post, retryAfterMs, sign } from './webhook_request.ts';

const NOW_MS = Date.parse('2026-01-01T00:00:00Z');

test('the signature is HMAC-SHA256 over time and body, as a receiver computes it', () => {
  const body = Buffer.from('{"id":"alert-1"}');
  const expected = createHmac('sha256', 'secret').update('1700000000.{"id":"alert-1"}').digest('hex');
  assert.equal(sign('secret', 1_700_000_000, body), expected);
  assert.notEqual(sign('secret', 1_700_000_001, body), expected);
  const request = { url: '', id: 'alert-1', body, timestamp_s: 1_700_000_000, token: undefined };
  assert.equal(headersOf({ ...request, secret: 'secret' })['errata-signature'], `v1=${expected}`);
  assert.equal('errata-signature' in headersOf({ ...request, secret: undefined }), false);
});

test('Retry-After is seconds or a date, never the past, and not for ever', () => {
  assert.equal(retryAfterMs('3', NOW_MS), 3_000);
  assert.equal(retryAfterMs('Thu, 01 Jan 2026 00:00:05 GMT', NOW_MS), 5_000);
  assert.equal(retryAfterMs('Wed, 31 Dec 2025 00:00:00 GMT', NOW_MS), 0);
  assert.equal(retryAfterMs('999999', NOW_MS), 600_000);
  for (const nothing of [null, '', 'soon']) assert.equal(retryAfterMs(nothing, NOW_MS), null);
});

test('only an answer about the record refuses it; one about token, URL or server passes', async (t) => {
  let status = 0;
  const server = createServer((_, response) => response.writeHead(status).end());
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => server.close());
  const { port } = server.address() as AddressInfo;
  const request = { id: 'a', body: Buffer.from('{}'), timestamp_s: 0, secret: undefined, token: undefined };
  const asked = async (answer: number) => {
    status = answer;
    return (await post({ ...request, url: `http://127.0.0.1:${port}/` }, new AbortController().signal)).type;
  };
  for (const answer of [200, 204]) assert.equal(await asked(answer), 'taken');
  for (const answer of [400, 409, 413, 415, 422]) assert.equal(await asked(answer), 'refused', `${answer}`);
  const passing = [301, 302, 308, 401, 402, 403, 404, 405, 407, 408, 410, 414, 425, 429, 500, 503];
  for (const answer of passing) assert.equal(await asked(answer), 'passing', `${answer}`);
});
