/** What the harness promises to the tests that stand on it. */
import assert from 'node:assert/strict';
import type { Message, Subscription } from '@google-cloud/pubsub';
import { GRPC, onPubsubFake } from '../harness/pubsub_fake.ts';
import { until } from '../harness/until.ts';

function collect(subscription: Subscription): Message[] {
  const seen: Message[] = [];
  subscription.on('message', (message: Message) => {
    seen.push(message);
    message.ack();
  });
  return seen;
}

onPubsubFake(
  'a message comes with its bytes, key and attributes, twice where that is asked for',
  async (fake, t) => {
    const pubsub = fake.client();
    const [topic] = await pubsub.createTopic('in');
    const [subscription] = await topic.createSubscription('in-sub', { enableMessageOrdering: true });
    t.after(() => subscription.close());
    await fake.duplicateEvery(1);
    const data = Buffer.from([0, 255, 128]);
    await topic.publishMessage({ data, attributes: { a: '1' }, orderingKey: 'k' });
    const seen = collect(subscription);
    await until(() => seen.length === 2, 'both deliveries');
    for (const { id, data: got, attributes, orderingKey } of seen)
      assert.deepEqual(
        { id, got, attributes, orderingKey },
        { id: 'm0', got: data, attributes: { a: '1' }, orderingKey: 'k' },
      );
    await until(async () => (await fake.messages('in'))[0]!.acks === 1, 'the acknowledgement');
    assert.deepEqual((await fake.messages('in'))[0]!.data, data);
  },
);

onPubsubFake('a fault befalls the calls that it is for', async (fake) => {
  const [topic] = await fake.client().createTopic('out');
  topic.setPublishOptions({ messageOrdering: true });
  const fault = { method: 'Publish', code: GRPC.PERMISSION_DENIED, times: 1, ordering_key: 'bad' } as const;
  await fake.inject({ ...fault, skip: 1 });
  const publish = (orderingKey: string) => topic.publishMessage({ data: Buffer.from('x'), orderingKey });
  await publish('bad');
  await publish('good');
  await assert.rejects(publish('bad'), { code: GRPC.PERMISSION_DENIED });
  topic.resumePublishing('bad');
  await fake.inject({ ...fault, done: true });
  await assert.rejects(publish('bad'), { code: GRPC.PERMISSION_DENIED });
  assert.equal((await fake.messages('out')).length, 3);
});

onPubsubFake('streams that stall say nothing until they go on', async (fake, t) => {
  const [topic] = await fake.client().createTopic('in');
  const [subscription] = await topic.createSubscription('in-sub');
  t.after(() => subscription.close());
  const seen = collect(subscription);
  await fake.stallStreams(true);
  await topic.publishMessage({ data: Buffer.from('x') });
  await new Promise((resolve) => setTimeout(resolve, 500));
  assert.equal(seen.length, 0);
  await fake.stallStreams(false);
  await until(() => seen.length === 1, 'the message');
});
