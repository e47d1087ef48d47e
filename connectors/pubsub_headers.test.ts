import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { attributesOf, headersOf, orderingKeyOf } from './pubsub_headers.ts';

const name = fc.oneof(
  fc.string({ minLength: 1 }),
  fc.constantFrom('pubsub.message_id', 'pubsub.attribute.a', 'errata', 'errata.code', 'pubsub.', 'erratum'),
);

test('whatever the attributes are called, a message gets its own back', () => {
  fc.assert(
    fc.property(
      fc.dictionary(name, fc.string(), { noNullPrototype: true }),
      fc.string(),
      (attributes, ordering_key) => {
        const message = {
          message_id: 'm1',
          publish_time: '2026-11-25T00:00:00.000Z',
          ordering_key,
          attributes,
        };
        const headers = headersOf(message);
        assert.deepEqual(attributesOf(headers), attributes);
        assert.equal(orderingKeyOf(headers, Buffer.from('another')), ordering_key);
        assert.equal(headers['pubsub.message_id'], 'm1');
      },
    ),
  );
});

test('headers of errata itself do not go out', () => {
  assert.deepEqual(attributesOf({ errata: 'data', 'errata.code': 'x', traceparent: '00-1' }), {
    traceparent: '00-1',
  });
});

test('a record that never was on Pub/Sub is ordered by its key, bytes or text', () => {
  assert.equal(orderingKeyOf({}, Buffer.from('ann')), 'ann');
  assert.equal(orderingKeyOf({}, Buffer.from([255, 0])), '/wA=');
  assert.equal(orderingKeyOf({}, null), '');
});
