/** What is published of records, and why others are not. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RecordCheck } from './record_check.ts';

const check = new RecordCheck();
const FEEDBACK = { prediction_id: 'p', feedback_type: 'explicit', rating: 1, timestamp: 1.7e9 };
const PREDICTION = { prediction_id: 'p', timestamp: 1.7e9, deployment_id: 'd', model_version: 'v' };

function checkOne(record: object | string, kind: 'prediction' | 'feedback', key = 'prediction_id' as const) {
  const body = Buffer.from(typeof record === 'string' ? record : JSON.stringify(record));
  const span = { start: 0, end: body.length };
  const { accepted, errors } = check.check(body, [span], { kind, key, request_id: 'r' });
  return { ...accepted[0], error: errors[0]?.code, body };
}

test('value and key are those of the record, also where it is written in an unusual way', () => {
  const usual = checkOne(FEEDBACK, 'feedback');
  assert.deepEqual([usual.key, usual.value], ['p', usual.body]);
  const escaped = checkOne(JSON.stringify(FEEDBACK).replace('"p"', '"\\u0070"'), 'feedback');
  assert.deepEqual([escaped.key, escaped.value], ['p', escaped.body]);
});

test('the key may be another field, or missing', () => {
  const key = 'deployment_id' as never;
  assert.equal(checkOne(PREDICTION, 'prediction', key).key, 'd');
  assert.equal(checkOne(FEEDBACK, 'feedback', key).key, null);
  const { prediction_id: _, ...without } = PREDICTION;
  assert.equal(checkOne(without, 'prediction').key, null);
});

test('a repetition has the same id', () => {
  assert.equal(checkOne({ ...FEEDBACK, event_id: 'e' }, 'feedback').id, 'feedback/event/e');
  assert.equal(checkOne(FEEDBACK, 'feedback').id, 'r/0');
  assert.equal(checkOne(PREDICTION, 'prediction').id, 'prediction/p');
  assert.equal(checkOne({ ...PREDICTION, event_id: 'e' }, 'prediction').id, 'prediction/event/e');
});

test('what is wrong has a code', () => {
  assert.equal(checkOne(PREDICTION, 'feedback').error, 'wrong_kind');
  assert.equal(checkOne(FEEDBACK, 'prediction').error, 'wrong_kind');
  assert.equal(checkOne('', 'feedback').error, 'empty');
  assert.equal(checkOne({ ...FEEDBACK, comment: 'x'.repeat(1_000_000) }, 'feedback').error, 'oversized');
});
