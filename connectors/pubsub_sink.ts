/** The records of a Kafka topic, published to a Pub/Sub topic. */
import { type Static, Type } from 'typebox';
import { defineSink } from './connector.ts';
import { Project, PubsubResource } from './pubsub_client.ts';
import { sinkResources } from './pubsub_resources.ts';
import { PubsubSender } from './pubsub_sender.ts';

export const PubsubSinkConfig = Type.Object(
  {
    topic: PubsubResource('topics', 'the Pub/Sub topic'),
    project: Project,
    ordered: Type.Boolean({
      default: true,
      description:
        'publish with an ordering key: that which the message had on Pub/Sub, of other records their Kafka key',
    }),
    id_attribute: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 256,
        examples: ['message_id'],
        description:
          'an attribute by which subscribers can drop repetitions: the message id that it had on Pub/Sub, of other records `topic/partition/offset`',
      }),
    ),
  },
  { additionalProperties: false },
);
export type PubsubSinkConfig = Static<typeof PubsubSinkConfig>;

const ORDERED =
  'the order of the ordering keys, of other records that of their Kafka keys, is kept as it is in a partition; a record without one has no order';
const UNORDERED =
  'no order is kept: without ordering keys subscribers get the records in any order, those of one Kafka key too';

export const pubsubSink = defineSink({
  kind: 'pubsub',
  summary:
    'Publishes each record to a Google Pub/Sub topic, with its headers as attributes, in order per key. What Pub/Sub cannot take goes to the dead-letter topic.',
  example: `alerts:
  from: severity
  pubsub: { topic: mail-alerts }`,
  config: PubsubSinkConfig,
  batch: { max_records: 1_000, max_bytes: 16 * 1024 * 1024 },
  check: ({ ordered }) => (ordered ? [] : [{ code: 'W_CONNECTOR', at: ['ordered'], message: UNORDERED }]),
  order: ({ ordered }) => (ordered ? ORDERED : UNORDERED),
  resources: sinkResources,
  open: (config, ports) => PubsubSender.open(config, ports),
});
