/** Every kind of broken record, through re-keying and capture, beside good ones: each is accounted for. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { capture } from './capture.ts';
import { rekey } from './rekey.ts';
import { sourceRecord, TestTask } from './testing.ts';

const NOW = Date.UTC(2024, 0, 1, 12);
const good = { prediction_id: 'p1', feedback_type: 'explicit', timestamp: NOW, rating: 4 };

function withMember(member: string): Buffer {
  return Buffer.from(`${JSON.stringify(good).slice(0, -1)},${member}}`);
}

const BROKEN: [code: string, value: object | Buffer | null][] = [
  ['not_json', Buffer.from('rating: 4')],
  ['wrong_type', { ...good, rating: 'four' }],
  ['not_a_number', { ...good, time_to_action: 'NaN' }],
  ['missing_id', { ...good, prediction_id: undefined }],
  ['empty', Buffer.alloc(0)],
  ['null_value', null],
  ['is_array', [good]],
  ['not_an_object', Buffer.from('"good"')],
  ['oversized', { ...good, comment: 'x'.repeat(5_000_000) }],
  ['nested_too_deep', withMember(`"a":${'['.repeat(10_000)}${']'.repeat(10_000)}`)],
  ['unknown_feedback_type', { ...good, feedback_type: 'telepathic' }],
  ['rating_out_of_range', { ...good, rating: 6 }],
  ['negative_time_to_action', { ...good, time_to_action: -0.001 }],
  ['timestamp_out_of_range', { ...good, timestamp: '0001-01-01T00:00:00' }],
  ['timestamp_ahead', { ...good, timestamp: '2099-01-01T00:00:00' }],
  ['timestamp_not_a_time', { ...good, timestamp: 'noon' }],
  ['invalid_utf8', Buffer.concat([Buffer.from('{"comment":"'), Buffer.from([0xff]), Buffer.from('"}')])],
  ['lone_surrogate', withMember('"comment":"\\ud83d"')],
  ['forbidden_key', withMember('"__proto__":{"rating":1}')],
];

it('ends in the dead letters with its reason and position, or in the ledger as duplicate', () => {
  const task = new TestTask([
    { name: 'rekey', kind: rekey, to: { records: { actor: 'capture', input: 'records' } } },
    { name: 'capture', kind: capture },
  ]);
  const values = [
    good,
    { ...good, event_id: 'e1' },
    ...BROKEN.map(([, value]) => value),
    { ...good, event_id: 'e1' },
  ];
  for (const [offset, value] of values.entries()) {
    task.send('rekey', 'records', sourceRecord(value, { offset, timestamp_ms: NOW, source: 'feedback' }));
  }
  assert.deepEqual(
    task.dead_letters.map(({ reason, record }) => [reason.code, record.offset]),
    BROKEN.map(([code], index) => [code, index + 2]),
  );
  for (const { reason } of task.dead_letters) assert.match(reason.message, /^[a-z].{10,200}$/);
  assert.deepEqual(task.ledger.feedback, { pending: 2, dead_lettered: BROKEN.length, duplicate: 1 });
  assert.deepEqual(new Set(task.observed_ms), new Set([NOW]), 'a broken record moves no watermark');
  assert.equal(task.emitted('events').length, 2);
});
