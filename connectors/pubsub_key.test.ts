import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Finding } from './connector.ts';
import { keyOf, orderKept } from './pubsub_key.ts';
import { pubsubSink } from './pubsub_sink.ts';
import { pubsubSource } from './pubsub_source.ts';

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

test('lint says which order is left wherever it is not that of the ordering keys', () => {
  const codesOf = (settings: object) => {
    const config = { subscription: 'in-sub', key: 'ordering_key', ack_deadline: '30s', ...settings };
    return pubsubSource.check!(config).map(({ code, at }) => [code, ...at]);
  };
  assert.deepEqual(codesOf({}), []);
  assert.deepEqual(codesOf({ provision: { topic: 'in', ordered: true } }), []);
  assert.deepEqual(codesOf({ key: { attribute: 'tenant' } }), [['W_CONNECTOR', 'key']]);
  assert.deepEqual(codesOf({ provision: { topic: 'in', ordered: false } }), [
    ['W_CONNECTOR', 'provision', 'ordered'],
  ]);
  assert.match(orderKept({ attribute: 'tenant' }), /only among messages of one attribute "tenant".*no order/);
  assert.match(orderKept({ path: 'user.id' }, false), /no order is kept/);
});

test('lint says so of a sink without ordering keys', () => {
  const found = (ordered: boolean) => pubsubSink.check!({ topic: 'out', ordered }, 'source_record');
  assert.deepEqual(found(true), []);
  const [{ code, at, message }] = found(false) as [Finding];
  assert.deepEqual([code, at], ['W_CONNECTOR', ['ordered']]);
  assert.match(message, /in any order/);
});
