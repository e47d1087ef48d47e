/** What is published to a Pub/Sub subscription, as records of a Kafka topic. */
import { type Static, Type } from 'typebox';
import { ByteSize, parseMegabytes } from '../messages/byte_size.ts';
import { Duration, parseDuration } from '../messages/duration.ts';
import { defineSource, type Finding } from './connector.ts';
import { Project, PubsubResource } from './pubsub_client.ts';
import { orderKept, PubsubKey } from './pubsub_key.ts';
import { PubsubReceiver } from './pubsub_receiver.ts';
import { Provision, sourceResources } from './pubsub_resources.ts';

export const PubsubSourceConfig = Type.Object(
  {
    subscription: PubsubResource('subscriptions', 'the subscription; all processes share it'),
    project: Project,
    key: PubsubKey,
    max_messages: Type.Integer({
      minimum: 1,
      maximum: 100_000,
      default: 1_000,
      description: 'how many messages each process may hold that Kafka has not acknowledged yet',
    }),
    max_size: ByteSize({ default: '64m', description: 'how much data they may have together' }),
    ack_deadline: Duration({
      default: '30s',
      description:
        'how long Pub/Sub waits for what a dead process held (10 s to 10 min); extended while the process lives',
    }),
    quiet: Duration({
      default: '30s',
      description:
        'after so long without a message the subscription is asked by a call of its own whether it is empty, or the stream stalls',
    }),
    provision: Type.Optional(Provision),
  },
  { additionalProperties: false },
);
export type PubsubSourceConfig = Static<typeof PubsubSourceConfig>;

export const pubsubSource = defineSource({
  kind: 'pubsub',
  summary:
    'Takes the messages of a Google Pub/Sub subscription; acknowledges each once Kafka has it. What is delivered again is dropped by its message id.',
  example: `feedback:
  pubsub: { subscription: feedback-sub }
  topic: mail.feedback`,
  config: PubsubSourceConfig,
  // As long as Pub/Sub keeps what is not acknowledged, it is far longer (7 days); but it delivers within minutes.
  dedupe: '1h',
  check: (config) => [...checkOrder(config), ...checkDeadline(config)],
  order: ({ key, provision }) => orderKept(key, provision?.ordered),
  resources: sourceResources,
  start: (config, ports) =>
    PubsubReceiver.start(
      {
        ...config,
        is_order_promised: isOrderPromised(config),
        max_bytes: parseMegabytes(config.max_size) * 1024 * 1024,
        ack_deadline_ms: parseDuration(config.ack_deadline),
        quiet_ms: parseDuration(config.quiet),
      },
      ports,
    ),
});

function isOrderPromised({ key, provision }: PubsubSourceConfig): boolean {
  return key === 'ordering_key' && provision?.ordered !== false;
}

function checkOrder(config: PubsubSourceConfig): Finding[] {
  if (isOrderPromised(config)) return [];
  const { key, provision } = config;
  const at = provision?.ordered === false ? ['provision', 'ordered'] : ['key'];
  return [{ code: 'W_CONNECTOR', at, message: orderKept(key, provision?.ordered) }];
}

function checkDeadline({ ack_deadline }: PubsubSourceConfig): Finding[] {
  const deadline_ms = parseDuration(ack_deadline);
  if (deadline_ms >= 10_000 && deadline_ms <= 600_000) return [];
  return [{ code: 'E_CONNECTOR', at: ['ack_deadline'], message: 'Pub/Sub takes 10s to 10m' }];
}
