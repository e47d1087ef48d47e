/** What applications publish through the SDK is what others read, and an outage of Kafka is not theirs. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startBroker } from '../../broker/broker.ts';
import { decode } from '../../messages/decode.ts';
import { captureServing, FeedbackClient } from '../../sdk/index.ts';
import { type KafkaPublisherOptions, kafkaPublisher } from '../../sdk/kafka_publisher.ts';
import { partitionForKey } from '../../wire/murmur2.ts';
import type { Scope } from '../conformance/conformance_case.ts';
import { onBothBrokers, scopeFor } from '../harness/both_brokers.ts';
import { embeddedBroker, temporaryFolder } from '../harness/embedded.ts';
import { readTopic } from '../harness/read_topic.ts';
import { until } from '../harness/until.ts';

const PARTITIONS = 4;
const MODEL = { deployment_id: 'spam', model_version: 'v1' };

async function topicsOf(scope: Scope, configs: Record<string, string> = {}) {
  return {
    prediction: await scope.topic('predictions', PARTITIONS, configs),
    feedback: await scope.topic('feedback', PARTITIONS, configs),
  };
}

function open(scope: Scope, options: Omit<KafkaPublisherOptions, 'brokers'>) {
  const publisher = kafkaPublisher({ brokers: [scope.address], ...options });
  const capture = captureServing({ publisher, ...MODEL });
  return { publisher, capture, client: new FeedbackClient({ publisher }) };
}

onBothBrokers(
  'a plain consumer reads what was captured, prediction and feedback in equal partitions',
  async (scope, t) => {
    const topics = await topicsOf(scope);
    const { publisher, capture, client } = open(scope, { topics });
    t.after(() => publisher.close());
    const started_ms = Date.now();
    const ids = Array.from({ length: 2_500 }, (_, number) =>
      capture.capture({
        input: `mail ${number}`,
        numeric_input: [number, number + 2],
        output: 'ham',
        timestamp: 1.1e9,
      }),
    );
    for (const prediction_id of ids.slice(0, 50))
      client.captureExplicitFeedback({ prediction_id, session_id: 's', rating: 2 });
    assert.equal((await capture.flush()).published, ids.length);
    assert.equal((await client.flush()).published, 50);

    const predictions = await scope.consume(topics.prediction, ids.length, 'predictions');
    assert.deepEqual(new Set(predictions.map(({ key }) => key)), new Set(ids));
    for (const { key, value, partition, timestamp } of predictions) {
      const decoded = decode(Buffer.from(value!));
      assert(decoded.kind === 'prediction' && decoded.value.prediction_id === key);
      assert.equal(partition, partitionForKey(Buffer.from(key!), PARTITIONS));
      // Event time may be any; the record's is that of sending.
      assert.equal(decoded.time_ms, 1.1e12);
      assert(Number(timestamp) >= started_ms && Number(timestamp) <= Date.now());
    }
    const partitionOf = new Map(predictions.map(({ key, partition }) => [key, partition]));
    for (const { key, partition, value } of await scope.consume(topics.feedback, 50, 'feedback')) {
      assert.equal(partition, partitionOf.get(key));
      assert.equal(decode(Buffer.from(value!)).kind, 'feedback');
    }
  },
);

onBothBrokers(
  'a heartbeat stands in every partition, behind all that was published before',
  async (scope, t) => {
    const topics = await topicsOf(scope);
    const { publisher, capture } = open(scope, { topics });
    t.after(() => publisher.close());
    for (let number = 0; number < 100; number++) capture.capture({ output: number });
    await publisher.heartbeat('prediction', 1_700_000_000_000);
    await publisher.heartbeat('feedback', 5);

    const records = await scope.consume(topics.prediction, 100 + PARTITIONS, 'predictions');
    for (let partition = 0; partition < PARTITIONS; partition++) {
      const { key, value, headers } = records.filter((record) => record.partition === partition).at(-1)!;
      assert.deepEqual(
        { key, value, headers },
        { key: null, value: null, headers: { 'errata.heartbeat': '1700000000000' } },
      );
    }
    const others = await scope.consume(topics.feedback, PARTITIONS, 'feedback');
    assert.deepEqual(
      others.map(({ partition }) => partition),
      [0, 1, 2, 3],
    );
    assert.deepEqual(
      others.map(({ headers }) => headers['errata.heartbeat']),
      Array(PARTITIONS).fill('5'),
    );
  },
);

onBothBrokers('a topic that takes only small records loses only the large one', async (scope, t) => {
  const topics = await topicsOf(scope, { 'max.message.bytes': '4000' });
  const { publisher, capture } = open(scope, { topics });
  t.after(() => publisher.close());
  const small = Array.from({ length: 30 }, () => capture.capture({ input: 'x'.repeat(500) }));
  capture.capture({ input: 'x'.repeat(5_000) });
  const { published, failed, last_problem } = await capture.flush();
  assert.deepEqual([published, failed], [30, 1]);
  assert.match(last_problem ?? '', /does not take records of this size/);
  // What other partitions took of a batch that failed is there twice.
  const read = await readTopic(scope.address, topics.prediction);
  assert.deepEqual(new Set(read.map(({ key }) => String(key))), new Set(small));
});

test('a missing topic is waited for, never made with a number of partitions that nobody chose', async (t) => {
  const broker = await embeddedBroker(t);
  const scope = scopeFor(t, broker.address);
  const topics = { prediction: scope.name('predictions'), feedback: scope.name('feedback') };
  const { publisher, capture } = open(scope, { topics });
  const prediction_id = capture.capture({ output: 1 });
  await until(() => publisher.stats().last_problem !== undefined, 'a first attempt');
  assert.match(publisher.stats().last_problem ?? '', /does not host this topic-partition/);
  const admin = await scope.admin();
  assert.equal((await admin.listTopics()).includes(topics.prediction), false);
  await topicsOf(scope);
  assert.equal((await capture.flush()).published, 1);
  assert.deepEqual(
    (await scope.consume(topics.prediction, 1)).map(({ key }) => key),
    [prediction_id],
  );
  await publisher.close();
});

test('with the broker down capturing goes on within bounds; when it is back, so does publishing', async (t) => {
  const data_dir = temporaryFolder(t);
  const first = await startBroker({ port: 0, data_dir });
  const scope = scopeFor(t, first.address);
  const topics = await topicsOf(scope);
  const { publisher, capture } = open(scope, { topics, max_buffered: 100, max_backoff_ms: 50 });
  const before = capture.capture({ output: 'before' });
  await capture.flush();
  await first.stop();

  const during: string[] = [];
  for (let number = 0; number < 1_000; number++) {
    during.push(capture.capture({ input: 'x'.repeat(1_000), output: number }));
    assert(publisher.stats().buffered <= 100);
  }
  await until(() => publisher.stats().last_problem !== undefined, 'an attempt to fail');
  assert.deepEqual([capture.stats().dropped, capture.stats().published], [900, 1]);

  const second = await startBroker({ port: first.port, data_dir });
  t.after(() => second.stop());
  await capture.flush();
  const after = capture.capture({ output: 'after' });
  const { captured, published, dropped, failed } = await capture.flush();
  assert.deepEqual(
    { captured, published, dropped, failed },
    { captured: 1_002, published: 102, dropped: 900, failed: 0 },
  );
  assert.equal(publisher.stats().last_problem, undefined);
  await publisher.close();

  const read = await scope.consume(topics.prediction, 102);
  assert.deepEqual(new Set(read.map(({ key }) => key)), new Set([before, ...during.slice(0, 100), after]));
});

test('with no broker at all, an application starts, captures and closes', async () => {
  const publisher = kafkaPublisher({ brokers: ['127.0.0.1:1'], close_timeout_ms: 50 });
  const capture = captureServing({ publisher, ...MODEL });
  for (let number = 0; number < 10; number++) capture.capture({ output: number });
  await publisher.close();
  const { captured, failed } = capture.stats();
  assert.deepEqual([captured, failed], [10, 10]);
});
