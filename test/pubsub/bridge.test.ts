/** Pub/Sub → Kafka → Pub/Sub, with all that goes wrong on the way: nothing lost, order per key kept, nothing twice in Kafka. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { Message, Subscription, Topic } from '@google-cloud/pubsub';
import { embeddedBroker } from '../harness/embedded.ts';
import { GRPC, type PubsubFake, type PubsubMessage, withPubsubFake } from '../harness/pubsub_fake.ts';
import { readTopic, type TopicRecord } from '../harness/read_topic.ts';
import { until } from '../harness/until.ts';
import { runOnPubsub } from './errata_on_pubsub.ts';
import { type MadeMessage, madeMessages, publishAll } from './made_messages.ts';

const COUNT = 5_000;
const KEYS = 250;

const BRIDGE = `
topology: bridge
sources:
  mails: { pubsub: { subscription: in-sub, ack_deadline: 10s, quiet: 2s }, topic: mails }
sinks:
  copies: { from: mails, pubsub: { topic: out, id_attribute: id } }
`;

test('5,000 messages pass the bridge through redeliveries, nacks, failed publishing and kill -9', {
  timeout: 300_000,
}, async (t) => {
  const fake = await withPubsubFake(t);
  if (!fake) return;
  await t.test('body', (inner) => passTheBridge(fake, inner));
});

interface SourceAccount {
  taken_in: number;
  dispositions: Record<string, number>;
}

async function passTheBridge(fake: PubsubFake, t: TestContext): Promise<void> {
  const broker = await embeddedBroker(t);
  const pubsub = fake.client();
  const [topic] = await pubsub.createTopic('in');
  await pubsub.createTopic('out');
  const [subscription] = await topic.createSubscription('in-sub', { enableMessageOrdering: true });
  const sent = madeMessages(COUNT, KEYS);
  await injectFaults(fake);
  const ids = await publishInOrder(topic, sent);

  const first = runOnPubsub(t, fake, BRIDGE, broker.address);
  const second = runOnPubsub(t, fake, BRIDGE, broker.address);
  await until(async () => (await fake.messages('out')).length > COUNT / 4, 'a part of them', 120_000);
  const nacked = await nackSome(subscription);
  first.signal('SIGKILL');
  await first.exited;
  await until(
    async () => new Set((await fake.messages('out')).map(idOf)).size === COUNT,
    'all of them',
    120_000,
  );
  await until(
    async () => (await fake.messages('in')).every(({ acks }) => acks > 0),
    'all acknowledged',
    60_000,
  );

  const records = await readTopic(broker.address, 'mails');
  const out = await fake.messages('out');
  checkKafka(records, sent, ids);
  checkOut(out, sent, ids);
  // Workers tell it twice a second.
  const { sources } = await second.answer<{ sources: Record<string, SourceAccount> }>(
    '/topologies/bridge/ledger',
    (ledger) => ledger.sources['mails.ingest']?.dispositions.passed_on === COUNT,
  );
  const { taken_in, dispositions } = sources['mails.ingest']!;
  assert.equal(dispositions.passed_on, COUNT);
  assert.equal(dispositions.passed_on + dispositions.duplicate!, taken_in, 'the ledger adds up');
  const arrived = await fake.messages('in');
  const deliveries = arrived.reduce((sum, message) => sum + message.deliveries, 0);
  assert.ok(deliveries > COUNT, 'some were delivered again');
  assert.equal(await fake.faultsLeft(), 0, 'all faults have come about');
  t.diagnostic(
    `${COUNT} messages, ${deliveries} deliveries, ${nacked} nacks; brought in ${taken_in}, in Kafka ${records.length}; published ${out.length}`,
  );
  assert.equal(await second.terminate(), 0);
}

/** Acknowledgements are lost, some messages come twice at once, and publishing fails in the middle of keys. */
async function injectFaults(fake: PubsubFake): Promise<void> {
  await fake.duplicateEvery(50);
  await fake.inject({ method: 'Acknowledge', code: GRPC.OK, skip: 20, times: 10 });
  for (const key of ['key-7', 'key-8', 'key-9']) {
    const fault = { method: 'Publish', code: GRPC.PERMISSION_DENIED, ordering_key: key } as const;
    // Publishing all that goes in takes one call per key.
    await fake.inject({ ...fault, skip: 2, times: 3 });
    await fake.inject({ ...fault, skip: 2, times: 1, done: true });
  }
}

/** Whole keys, so that there is one call for each. */
async function publishInOrder(topic: Topic, messages: readonly MadeMessage[]): Promise<string[]> {
  topic.setPublishOptions({ messageOrdering: true, batching: { maxMilliseconds: 50, maxMessages: 1_000 } });
  return publishAll(topic, messages);
}

/** Another subscriber takes what it gets for a moment, and gives it back. */
async function nackSome(subscription: Subscription): Promise<number> {
  let nacked = 0;
  subscription.on('message', (message: Message) => {
    nacked++;
    message.nack();
  });
  await until(() => nacked >= 50, 'some to nack');
  await subscription.close();
  return nacked;
}

const idOf = ({ attributes }: PubsubMessage) => attributes.id!;

function checkKafka(
  records: readonly TopicRecord[],
  sent: readonly MadeMessage[],
  ids: readonly string[],
): void {
  assert.equal(
    new Set(records.map(({ headers }) => headers['pubsub.message_id'])).size,
    COUNT,
    'nothing lost',
  );
  assert.equal(records.length, COUNT, 'nothing twice');
  const by_id = new Map(ids.map((id, index) => [id, sent[index]!]));
  for (const { key, value, headers } of records) {
    const { data, attributes, ordering_key } = by_id.get(headers['pubsub.message_id']!)!;
    assert.deepEqual(value, data);
    assert.equal(key === null ? '' : String(key), ordering_key);
    assert.equal(headers['pubsub.ordering_key'] ?? '', ordering_key);
    const { 'pubsub.message_id': mine, ...plain } = attributes;
    assert.deepEqual({ ...headers, ...plain, 'pubsub.attribute.pubsub.message_id': mine }, headers);
  }
  checkOrder(records.map(({ key, headers }) => [String(key ?? ''), Number(headers.n)]));
}

function checkOut(out: readonly PubsubMessage[], sent: readonly MadeMessage[], ids: readonly string[]): void {
  const by_id = new Map(ids.map((id, index) => [id, sent[index]!]));
  const firsts = new Map(out.toReversed().map((message) => [idOf(message), message]));
  assert.equal(firsts.size, COUNT);
  for (const [id, { data, attributes, ordering_key }] of firsts) {
    const { id: _, ...own } = attributes;
    assert.deepEqual({ data, attributes: own, ordering_key }, by_id.get(id));
  }
  const seen = new Set<string>();
  const in_order = out.filter((message) => seen.size < seen.add(idOf(message)).size);
  checkOrder(in_order.map(({ ordering_key, attributes }) => [ordering_key, Number(attributes.n)]));
}

/** Of one key, each after the one that was published before it. */
function checkOrder(messages: readonly (readonly [key: string, n: number])[]): void {
  const last = new Map<string, number>();
  for (const [key, n] of messages) {
    if (key === '') continue;
    assert.ok((last.get(key) ?? -1) < n, `${n} of ${key} after ${last.get(key)}`);
    last.set(key, n);
  }
}
