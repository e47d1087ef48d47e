/** What somebody sees whose feedback, or anything else, is on Pub/Sub. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { TestContext } from 'node:test';
import type { Topic } from '@google-cloud/pubsub';
import { type IHeaders, Kafka, logLevel } from 'kafkajs';
import type { Readiness } from '../../admin/routes/ready.ts';
import type { Alert } from '../../messages/assessment.ts';
import { embeddedBroker } from '../harness/embedded.ts';
import { errataCommand } from '../harness/errata_command.ts';
import type { ErrataProcess } from '../harness/errata_process.ts';
import { onPubsubFake, PROJECT, type PubsubFake } from '../harness/pubsub_fake.ts';
import { readTopic } from '../harness/read_topic.ts';
import { until } from '../harness/until.ts';
import { runOnPubsub } from './errata_on_pubsub.ts';

const FEEDBACK_YAML = 'config/topologies/feedback-pubsub.yaml';
const BRIDGE = `
topology: bridge
sources: { mails: { pubsub: { subscription: in-sub, ack_deadline: 10s, quiet: 1s }, topic: mails } }
sinks: { copies: { from: mails, pubsub: { topic: out } } }
`;

async function runBridge(fake: PubsubFake, t: TestContext): Promise<{ topic: Topic; errata: ErrataProcess }> {
  const pubsub = fake.client();
  const [topic] = await pubsub.createTopic('in');
  await topic.createSubscription('in-sub');
  await pubsub.createTopic('out');
  const errata = runOnPubsub(t, fake, BRIDGE);
  await errata.ready();
  return { topic, errata };
}

onPubsubFake(
  'a newcomer wires feedback on Pub/Sub to alerts on Pub/Sub in 20 lines',
  async (fake, t) => {
    const yaml = readFileSync(FEEDBACK_YAML, 'utf8');
    assert.ok(yaml.trimEnd().split('\n').length <= 20);
    const { address } = await embeddedBroker(t);
    const env = { ...fake.env, PUBSUB_PROJECT_ID: PROJECT, KAFKA_BROKERS: address };
    const provisioned = await errataCommand(['provision', 'apply', FEEDBACK_YAML], env);
    assert.equal(provisioned.status, 0, provisioned.stderr);
    const errata = runOnPubsub(t, fake, yaml.replace('idle: 30s', 'idle: 2s'), address);
    await errata.ready();

    const pubsub = fake.client();
    const timestamp = Date.now() / 1000 - 600;
    for (let n = 0; n < 20; n++) {
      const feedback = {
        ...{ prediction_id: `p${n}`, session_id: 's', feedback_type: 'explicit', timestamp },
        ...{ rating: n < 12 ? 1 : 5, deployment_id: 'triage', model_version: 'v1' },
        input_stats: { mean: 3.2, std: 1.1, min: 0, max: 9 },
      };
      await pubsub.topic('feedback').publishMessage({ data: Buffer.from(JSON.stringify(feedback)) });
    }
    await until(async () => (await fake.messages('alerts')).length > 0, 'the alert');
    const [message] = await fake.messages('alerts');
    const alert = JSON.parse(String(message!.data)) as Alert;
    assert.deepEqual(
      [alert.kind, alert.deployment_id, alert.total_events, alert.error_rate, alert.severity],
      ['raise', 'triage', 20, 0.6, 'high'],
    );
    assert.deepEqual(alert.patterns, { mean_3_std_1: 20 });
  },
  120_000,
);

onPubsubFake(
  'what cannot be bridged is a dead letter with the reason, and the rest goes on',
  async (fake, t) => {
    const { topic, errata } = await runBridge(fake, t);
    const brokers = await errata.brokers();
    await topic.publishMessage({ data: Buffer.alloc(3_000_000, 1), attributes: { n: 'large' } });
    await topic.publishMessage({ data: Buffer.from('x'), attributes: { n: 'v'.repeat(1025) } });
    await topic.publishMessage({ data: Buffer.from('fine') });
    await until(async () => (await fake.messages('out')).length === 1, 'the one that is fine');
    const read = () => readTopic(brokers, 'bridge.dead-letter');
    await until(async () => (await read()).length === 2, 'the dead letters');
    const letters = (await read()).map(({ headers }) => [
      headers['errata.source'],
      headers['errata.code'],
      headers['pubsub.message_id'],
      headers['errata.size_bytes'],
    ]);
    assert.deepEqual(
      letters.toSorted(),
      [
        ['copies', 'pubsub_limit', 'm1', '1'],
        ['mails', 'output_too_large', 'm0', '3000000'],
      ],
      'the sink refuses what has too long an attribute, the topic what is too large',
    );
    await until(async () => (await fake.messages('in')).every(({ acks }) => acks === 1), 'all acknowledged');
  },
  120_000,
);

onPubsubFake(
  'headers of a Kafka record that are no text go out in base64, each of several of one name; a dead letter has the same bytes again',
  async (fake, t) => {
    await fake.client().createTopic('out');
    const errata = runOnPubsub(
      t,
      fake,
      BRIDGE.replace(/sources:.*/, 'sources: { mails: { kafka: { topic: mails } } }'),
    );
    await errata.ready();
    const brokers = await errata.brokers();
    const producer = new Kafka({ brokers: [brokers], logLevel: logLevel.ERROR }).producer();
    await producer.connect();
    t.after(() => producer.disconnect());
    const [id, long] = [Buffer.from([255, 0, 17]), Buffer.alloc(1_000, 255)];
    await producer.send({
      topic: 'mails',
      messages: [
        { value: 'fine', headers: { id, via: ['first', 'last'], trace: '00-ü' } },
        { value: 'long', headers: { id, long } },
      ],
    });
    await until(async () => (await fake.messages('out')).length === 1, 'the one that fits');
    const [message] = await fake.messages('out');
    assert.deepEqual(message!.attributes, {
      'errata.base64.id': id.toString('base64'),
      'errata.repeated.0.via': 'first',
      via: 'last',
      trace: '00-ü',
    });
    await until(async () => (await headersIn(brokers, 'bridge.dead-letter')).length === 1, 'the dead letter');
    const [letter] = await headersIn(brokers, 'bridge.dead-letter');
    assert.deepEqual([letter!.id, letter!.long], [id, long]);
    assert.match(String(letter!['errata.message']), /errata\.base64\.long.* has 1336 bytes, of 1024 at most/);
  },
  120_000,
);

/** By a plain client: as the bytes that they are. */
async function headersIn(brokers: string, topic: string): Promise<IHeaders[]> {
  const consumer = new Kafka({ brokers: [brokers], logLevel: logLevel.NOTHING }).consumer({
    groupId: randomUUID(),
  });
  const found: IHeaders[] = [];
  await consumer.connect();
  await consumer.subscribe({ topic, fromBeginning: true });
  await consumer.run({ eachMessage: async ({ message }) => void found.push(message.headers ?? {}) });
  await until(() => found.length > 0, 'a record', 10_000).catch(() => undefined);
  await consumer.disconnect();
  return found;
}

onPubsubFake(
  'streams that stall make it not ready, with the reason, until it has started them anew',
  async (fake, t) => {
    const { topic, errata } = await runBridge(fake, t);
    await fake.stallStreams(true);
    for (let n = 0; n < 20; n++) await topic.publishMessage({ data: Buffer.from(`m${n}`) });
    // Not ready it may also be because its tasks still begin.
    await errata.answer<Readiness>('/ready', ({ topologies }) =>
      /mails.*E_PUBSUB_STALLED/.test(topologies[0]?.reason ?? ''),
    );
    await fake.stallStreams(false);
    await until(
      async () => new Set((await fake.messages('out')).map(({ data }) => String(data))).size === 20,
      'all',
    );
    await errata.ready();
  },
  120_000,
);
