import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HEARTBEAT_HEADER } from '../messages/heartbeat.ts';
import { heartbeatTime } from './source_heartbeat.ts';

function heartbeat(text: string, value: Buffer | null = null, timestamp_ms = 1_000): number | null {
  const headers = { [HEARTBEAT_HEADER]: text };
  return heartbeatTime({ offset: 0, timestamp_ms, key: null, value, headers }, 500, 9_000);
}

test('a heartbeat has no value and a time that is not far ahead of when it was written', () => {
  assert.equal(heartbeat('1500'), 1_500);
  assert.equal(heartbeat('1501'), null);
  assert.equal(heartbeat('9500', null, -1), 9_500);
  assert.equal(heartbeat('9501', null, -1), null);
  for (const text of ['', ' ', 'soon', 'Infinity', '-Infinity', 'NaN']) assert.equal(heartbeat(text), null);
  assert.equal(heartbeat('1000', Buffer.from('{}')), null);
});
