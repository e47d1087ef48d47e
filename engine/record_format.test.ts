import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import type { SourceRecord } from '../actors/actor.ts';
import { readInternal, writeDeadLetter } from './record_format.ts';

const REASON = { code: 'not_json', message: 'no JSON' };

function sourceRecord(changed: Partial<SourceRecord>): SourceRecord {
  const place = { source: 's', topic: 't', partition: 0, offset: 7, timestamp_ms: 1 };
  return { ...place, key: Buffer.from('k'), value: Buffer.from('v'), headers: { trace: 'x' }, ...changed };
}

test('a small dead letter keeps key, value and headers', () => {
  const letter = writeDeadLetter(sourceRecord({}), REASON);
  assert.deepEqual([String(letter.key), String(letter.value), letter.headers.trace], ['k', 'v', 'x']);
});

test('a large key, value, header or reason leaves a small dead letter that says what was left out', () => {
  const large = 'x'.repeat(2_000_000);
  const sha256 = createHash('sha256').update(large).digest('hex');
  const by_key = writeDeadLetter(sourceRecord({ key: Buffer.from(large) }), REASON);
  assert.deepEqual([by_key.key, String(by_key.value)], [null, 'v']);
  assert.equal(by_key.headers['errata.key_size_bytes'], '2000000');
  assert.equal(by_key.headers['errata.key_sha256'], sha256);
  const by_value = writeDeadLetter(sourceRecord({ value: Buffer.from(large) }), REASON);
  assert.deepEqual([by_value.value, by_value.headers['errata.sha256']], [null, sha256]);
  const by_headers = writeDeadLetter(sourceRecord({ headers: { trace: large } }), REASON);
  assert.deepEqual([String(by_headers.key), by_headers.headers.trace], ['k', undefined]);
  assert.ok(Number(by_headers.headers['errata.headers_size_bytes']) > large.length);
  const by_reason = writeDeadLetter(sourceRecord({}), { ...REASON, message: large, stack: large });
  for (const letter of [by_key, by_value, by_headers, by_reason])
    assert.ok(JSON.stringify(letter).length < 20_000);
});

test('another version is told from what errata never wrote', () => {
  const internal = (headers: Record<string, string>, value = '{}') =>
    readInternal({ offset: 0, timestamp_ms: 0, key: null, value: Buffer.from(value), headers });
  assert.equal(internal({ errata: 'd3' }).type, 'data');
  for (const errata of ['d1', 'd4', 'w2', 'x1'])
    assert.throws(() => internal({ errata }), { code: 'E_RECORD_FORMAT' });
  for (const headers of [{}, { errata: '' }, { errata: 'mine' }])
    assert.throws(() => internal(headers as Record<string, string>), { code: 'E_RECORD_FOREIGN' });
  assert.throws(() => internal({ errata: 'd3' }, '{'), { code: 'E_RECORD_FOREIGN' });
});
