/** The Pub/Sub source against Google's fake: when it acknowledges, how much it holds, and what it makes of silence. */
import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import type { Topic } from '@google-cloud/pubsub';
import type { RunningSource } from '../../connectors/connector.ts';
import { pubsubSource } from '../../connectors/pubsub_source.ts';
import { ErrataError } from '../../messages/errata_error.ts';
import { GRPC, onPubsubFake, PROJECT, type PubsubFake } from '../harness/pubsub_fake.ts';
import { until } from '../harness/until.ts';
import { HeldPorts } from './source_ports.ts';

const DEFAULTS = {
  subscription: 'in-sub',
  project: PROJECT,
  key: 'ordering_key',
  max_messages: 1_000,
  max_size: '64m',
  ack_deadline: '10s',
  quiet: '1s',
};
const MEGABYTE = 1024 * 1024;
const LARGE_BYTES = 100 * 1024;

async function topicOf(fake: PubsubFake): Promise<Topic> {
  const [topic] = await fake.client().createTopic('in');
  await topic.createSubscription('in-sub', { enableMessageOrdering: true });
  topic.setPublishOptions({ messageOrdering: true });
  return topic;
}

async function start(
  fake: PubsubFake,
  t: TestContext,
  ports: HeldPorts,
  config = {},
): Promise<RunningSource> {
  Object.assign(process.env, fake.env);
  const source = await pubsubSource.start({ ...DEFAULTS, ...config }, ports);
  t.after(() => source.stop());
  return source;
}

async function publish(topic: Topic, texts: readonly string[], orderingKey = ''): Promise<void> {
  await Promise.all(texts.map((text) => topic.publishMessage({ data: Buffer.from(text), orderingKey })));
}

const numbered = (count: number) => Array.from({ length: count }, (_, index) => `m${index}`);

onPubsubFake('a message comes as a record with all that it was', async (fake, t) => {
  const topic = await topicOf(fake);
  const ports = new HeldPorts();
  const source = await start(fake, t, ports);
  const data = Buffer.from([0, 255, 254]);
  await topic.publishMessage({ data, orderingKey: 'ann', attributes: { lang: 'de', 'pubsub.x': 'y' } });
  await until(() => ports.records.length === 1, 'the record');
  const [{ headers, timestamp_ms, ...record }] = ports.records as [(typeof ports.records)[0]];
  assert.deepEqual(record, { id: 'm0', key: 'ann', value: data });
  const { 'pubsub.publish_time': publish_time, ...others } = headers;
  assert.equal(Date.parse(publish_time!), timestamp_ms);
  assert.deepEqual(others, {
    lang: 'de',
    'pubsub.attribute.pubsub.x': 'y',
    'pubsub.message_id': 'm0',
    'pubsub.ordering_key': 'ann',
  });
  await until(async () => (await fake.messages('in'))[0]!.acks === 1, 'the acknowledgement');
  assert.equal(source.health(), null);
});

onPubsubFake(
  'hundreds that are held longer than their deadline are extended, and none comes again',
  async (fake, t) => {
    const topic = await topicOf(fake);
    const ports = new HeldPorts();
    ports.hold();
    await start(fake, t, ports, { max_messages: 300 });
    const texts = numbered(500);
    await publish(topic, texts);
    await until(() => ports.held >= 300, 'as many as may be held');
    // Longer than two deadlines, while more wait than may come.
    await delay(22_000);
    const held = new Set(ports.texts);
    assert.equal(ports.records.length, held.size, 'none came twice');
    for (const message of await fake.messages('in')) {
      const text = String(message.data);
      assert.equal(message.acks, 0, text);
      if (!held.has(text)) continue;
      assert.equal(message.deliveries, 1, text);
      assert.ok(message.extensions >= 2, `${text} was extended ${message.extensions} times`);
    }
    ports.release();
    const areAcknowledged = async () => (await fake.messages('in')).every(({ acks }) => acks > 0);
    await until(areAcknowledged, 'the acknowledgements', 60_000);
    assert.deepEqual(new Set(ports.texts), new Set(texts));
    // The fake knows no flow control: what nobody has room for it sends again at each deadline. What was held, it must not.
    const again = ports.texts.slice(held.size).filter((text) => held.has(text));
    assert.deepEqual(again, [], 'none that was held came twice');
  },
  120_000,
);

onPubsubFake(
  'no more is held than is allowed while Kafka is away, and all comes once it is back',
  async (fake, t) => {
    const topic = await topicOf(fake);
    const ports = new HeldPorts();
    ports.hold();
    await start(fake, t, ports, { max_messages: 20 });
    await publish(topic, numbered(200));
    await until(() => ports.held >= 20, 'what is allowed');
    await delay(3_000);
    const held = ports.held;
    assert.ok(held < 40, `${held} of 200 are held`);
    assert.equal(ports.failures.length, 0, 'that it holds back is not taken for a stall');
    ports.release();
    await until(() => new Set(ports.texts).size === 200, 'all of them');
  },
);

onPubsubFake('of large messages fewer are held: as much as is allowed of their data', async (fake, t) => {
  const topic = await topicOf(fake);
  const ports = new HeldPorts();
  ports.hold();
  await start(fake, t, ports, { max_size: '1m' });
  const texts = numbered(100).map((text) => text.padEnd(LARGE_BYTES));
  await publish(topic, texts);
  await until(() => ports.held * LARGE_BYTES >= MEGABYTE, 'what is allowed');
  await delay(3_000);
  // Each of Google's streams may have delivered some more when they are told to pause.
  assert.ok(ports.held * LARGE_BYTES < 3 * MEGABYTE, `${ports.held} of 100 are held`);
  ports.release();
  await until(() => new Set(ports.texts).size === 100, 'all of them');
});

onPubsubFake('a stream that stalls is not taken for an empty subscription', async (fake, t) => {
  const topic = await topicOf(fake);
  const ports = new HeldPorts();
  const source = await start(fake, t, ports);
  await publish(topic, ['before']);
  await until(() => ports.records.length === 1, 'the first');
  await delay(3_000);
  assert.deepEqual([source.health(), ports.failures], [null, []], 'empty is well');
  await fake.stallStreams(true);
  await publish(topic, numbered(50));
  await until(() => ports.failures.length === 1, 'that it is seen');
  assert.equal((ports.failures[0] as ErrataError).code, 'E_PUBSUB_STALLED');
  assert.match(source.health()!, /E_PUBSUB_STALLED/);
  await source.stop();
  await fake.stallStreams(false);
  await start(fake, t, ports);
  await until(() => new Set(ports.texts).size === 51, 'all of them');
});

onPubsubFake('a subscription that does not answer is told, and then no longer', async (fake, t) => {
  await topicOf(fake);
  const ports = new HeldPorts();
  const source = await start(fake, t, ports);
  await fake.inject({ method: 'Pull', code: GRPC.UNAVAILABLE, times: 3 });
  await until(() => source.health() !== null, 'the trouble');
  assert.match(source.health()!, /E_PUBSUB: projects\/test\/subscriptions\/in-sub: .*UNAVAILABLE/);
  await until(() => source.health() === null, 'that it is over');
  assert.deepEqual(ports.failures, []);
});

onPubsubFake('a subscription that is not there is a failure that says so', async (fake, t) => {
  const ports = new HeldPorts();
  const source = await start(fake, t, ports, { subscription: 'none' });
  await until(() => ports.failures.length > 0, 'the failure');
  assert.match(source.health()!, /E_PUBSUB: projects\/test\/subscriptions\/none: .*\(it does not exist/);
});

onPubsubFake('after the first that Kafka does not take, none goes by; all come again', async (fake, t) => {
  const topic = await topicOf(fake);
  const ports = new HeldPorts();
  ports.hold();
  const source = await start(fake, t, ports);
  await publish(topic, numbered(5), 'k');
  await until(() => ports.held === 1, 'the first');
  ports.refuse(new ErrataError('E_KAFKA', 'final'));
  await until(() => ports.failures.length === 1, 'the failure');
  await delay(500);
  assert.deepEqual(ports.texts, ['m0']);
  await source.stop();
  const next = new HeldPorts();
  await start(fake, t, next);
  await until(() => next.records.length === 5, 'all again');
  assert.deepEqual(next.texts, numbered(5));
});

onPubsubFake('what is under way when it stops is seen off, and not given back', async (fake, t) => {
  const topic = await topicOf(fake);
  const ports = new HeldPorts();
  ports.hold();
  const source = await start(fake, t, ports);
  await publish(topic, numbered(10));
  await until(() => ports.held === 10, 'all');
  const stopped = source.stop();
  ports.release();
  await stopped;
  for (const { acks, nacks } of await fake.messages('in')) assert.deepEqual([acks, nacks], [1, 0]);
});

async function exactlyOnceTopicOf(fake: PubsubFake): Promise<Topic> {
  const [topic] = await fake.client().createTopic('in');
  await topic.createSubscription('in-sub', { enableExactlyOnceDelivery: true });
  return topic;
}

onPubsubFake('an exactly-once subscription is acknowledged until it says so', async (fake, t) => {
  const topic = await exactlyOnceTopicOf(fake);
  const ports = new HeldPorts();
  const source = await start(fake, t, ports);
  await fake.inject({ method: 'Acknowledge', code: GRPC.UNAVAILABLE, times: 2 });
  await publish(topic, numbered(3));
  await until(() => ports.records.length >= 3, 'the records');
  const areAcknowledged = async () => {
    const { messages } = source.lag()!;
    const waiting = (await fake.messages('in')).filter(({ acks }) => acks === 0).length;
    assert.ok(messages >= waiting, `${messages} are said to be held, ${waiting} are not acknowledged`);
    return waiting === 0;
  };
  await until(areAcknowledged, 'all acknowledged');
  assert.equal(await fake.faultsLeft(), 0, 'it was refused twice');
  for (const { acks } of await fake.messages('in')) assert.equal(acks, 1);
  assert.equal(new Set(ports.records.map(({ id }) => id)).size, 3);
  await until(() => source.lag()!.messages === 0, 'that nothing is held');
});

onPubsubFake(
  'an acknowledgement that fails for good is no failure: the message comes again under its id',
  async (fake, t) => {
    const topic = await exactlyOnceTopicOf(fake);
    const ports = new HeldPorts();
    const source = await start(fake, t, ports);
    await fake.inject({ method: 'Acknowledge', code: GRPC.FAILED_PRECONDITION, times: 1 });
    await publish(topic, ['x']);
    await until(() => ports.records.length === 2, 'it again');
    assert.equal(await fake.faultsLeft(), 0);
    const [first, second] = ports.records;
    assert.deepEqual(second, first);
    await until(async () => (await fake.messages('in'))[0]!.acks === 1, 'the acknowledgement');
    assert.deepEqual([ports.failures, source.health()], [[], null]);
  },
);

onPubsubFake(
  'a subscription without message ordering is warned of, and read all the same',
  async (fake, t) => {
    const topic = await topicOf(fake);
    await topic.createSubscription('loose-sub');
    const ports = new HeldPorts();
    await start(fake, t, ports, { subscription: 'loose-sub' });
    await until(() => ports.warnings.length === 1, 'the warning');
    const [{ msg, subscription }] = ports.warnings as [Record<string, unknown>];
    assert.match(String(msg), /message ordering off/);
    assert.equal(subscription, `projects/${PROJECT}/subscriptions/loose-sub`);
    await publish(topic, ['x']);
    await until(() => ports.records.length === 1, 'the record');
  },
);

onPubsubFake('a subscription that is made anew without ordering is looked at again', async (fake, t) => {
  const topic = await topicOf(fake);
  const ports = new HeldPorts();
  const source = await start(fake, t, ports);
  await publish(topic, ['x']);
  await until(() => ports.records.length === 1, 'the record');
  assert.equal(ports.warnings.length, 0);
  const subscription = fake.client().subscription('in-sub');
  await subscription.delete();
  await until(() => ports.failures.length > 0, 'that it is gone');
  assert.match(source.health()!, /does not exist/);
  await topic.createSubscription('in-sub');
  // As the engine does.
  await source.stop();
  await start(fake, t, ports);
  await until(() => ports.warnings.length === 1, 'the warning');
  assert.match(String(ports.warnings[0]!.msg), /message ordering off/);
});

onPubsubFake(
  'what could not be seen of the order at the start is looked at once Pub/Sub is back',
  async (fake, t) => {
    const topic = await topicOf(fake);
    await topic.createSubscription('loose-sub');
    await fake.inject({ method: 'GetSubscription', code: GRPC.UNAVAILABLE, times: 1 });
    await fake.inject({ method: 'Pull', code: GRPC.UNAVAILABLE, times: 2 });
    const ports = new HeldPorts();
    const source = await start(fake, t, ports, { subscription: 'loose-sub' });
    await until(() => ports.warnings.length === 1, 'that it cannot be seen');
    assert.match(String(ports.warnings[0]!.msg), /it cannot be seen whether/);
    await until(() => source.health() !== null, 'the trouble');
    await until(() => ports.warnings.length === 2, 'the warning');
    assert.match(String(ports.warnings[1]!.msg), /message ordering off/);
  },
);

onPubsubFake('who may not look whether it is ordered is told so once, and reads it', async (fake, t) => {
  const topic = await topicOf(fake);
  await fake.inject({ method: 'GetSubscription', code: GRPC.PERMISSION_DENIED, times: 100 });
  const ports = new HeldPorts();
  const source = await start(fake, t, ports);
  await publish(topic, ['x']);
  await until(() => ports.records.length === 1, 'the record');
  await until(() => ports.warnings.length > 0, 'the warning');
  // Longer than silence is waited for.
  await delay(2_000);
  assert.equal(ports.warnings.length, 1);
  assert.match(String(ports.warnings[0]!.reason), /roles\/pubsub\.viewer/);
  assert.equal(source.health(), null);
});

onPubsubFake('nothing is said where the order is kept, or none is promised', async (fake, t) => {
  const topic = await topicOf(fake);
  await topic.createSubscription('loose-sub');
  const ports = new HeldPorts();
  await start(fake, t, ports);
  const provision = { topic: 'in', ordered: false };
  await start(fake, t, ports, { subscription: 'loose-sub', provision });
  await publish(topic, ['x']);
  await until(() => ports.records.length === 2, 'the record through both');
  await delay(1_000);
  assert.deepEqual(ports.warnings, []);
});
