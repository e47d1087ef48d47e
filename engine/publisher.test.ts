import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { OutputRecord } from './effects.ts';
import { kafkaError } from './kafka_errors.ts';
import type { Outbox } from './outbox.ts';
import { Publisher } from './publisher.ts';

const TOPIC_AUTHORIZATION_FAILED = 29;

function record(value: string): OutputRecord {
  return { topic: 'mails', partition: 0, key: 'user-1', value, headers: {} };
}

/** What each write was given; the first is answered when `refuse` says so. */
function publisherOf() {
  const refused = Promise.withResolvers<never>();
  const writes: number[] = [];
  const publisher = new Publisher((outbox: Outbox) => {
    writes.push(outbox.waiting().length);
    return writes.length === 1 ? refused.promise : Promise.resolve();
  });
  const refuse = () => refused.reject(kafkaError(TOPIC_AUTHORIZATION_FAILED, 'topic mails/0'));
  return { publisher, writes, refuse };
}

test('what waits behind a write that Kafka refuses for good is not written: it would overtake what its source gives again', async () => {
  const { publisher, writes, refuse } = publisherOf();
  const first = publisher.publish([record('m1')]);
  const second = publisher.publish([record('m2')]);
  refuse();
  for (const publication of [first, second])
    await assert.rejects(publication, { code: 'E_KAFKA_TOPIC_AUTHORIZATION_FAILED' });
  assert.equal(writes.length, 1);
  await publisher.publish([record('m1')]);
  assert.equal(writes.length, 2, 'it goes on with what is given anew');
});
