import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { test } from 'node:test';
import { headersOf, retryAfterMs, sign } from './webhook_request.ts';

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
