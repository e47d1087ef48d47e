import assert from 'node:assert/strict';
import { test } from 'node:test';
import { keyOf, orderKept } from './pubsub_key.ts';

const fields = {
  message_id: 'm',
  publish_time: '',
  ordering_key: 'order',
  attributes: { tenant: 'acme' },
};
const data = Buffer.from('{"user":{"id":7,"tags":["a"]},"name":"ann"}');

test('the key is the ordering key, an attribute, or a field of the message', () => {
  assert.equal(keyOf('ordering_key', fields, data), 'order');
  assert.equal(keyOf({ attribute: 'tenant' }, fields, data), 'acme');
  assert.equal(keyOf({ path: 'name' }, fields, data), 'ann');
  assert.equal(keyOf({ path: 'user.id' }, fields, data), '7');
});

test('a message without it has no key', () => {
  assert.equal(keyOf('ordering_key', { ...fields, ordering_key: '' }, data), null);
  assert.equal(keyOf({ attribute: 'other' }, fields, data), null);
  for (const path of ['user', 'user.tags', 'user.id.x', 'toString', 'none.at.all'])
    assert.equal(keyOf({ path }, fields, data), null, path);
  assert.equal(keyOf({ path: 'name' }, fields, Buffer.from([255, 0])), null);
  assert.equal(keyOf({ path: 'name' }, fields, Buffer.from('null')), null);
});

test('a key other than the ordering key says what order is left', () => {
  assert.equal(orderKept('ordering_key'), null);
  assert.match(orderKept({ attribute: 'tenant' })!, /only among messages of one attribute "tenant"/);
});
