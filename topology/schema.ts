/** What stands in a topology file. Actors' own settings are with their kinds, in actors/. */
import { type Static, Type } from 'typebox';
import { ByteSize } from '../messages/byte_size.ts';
import { Duration } from '../messages/duration.ts';
import { KafkaConnection } from './kafka_schema.ts';

/** Used for topics, groups and transactional ids; no dots, because those separate the parts of internal names. */
export const NAME_PATTERN = '^[A-Za-z][A-Za-z0-9_-]{0,63}$';

const Name = (options: { default?: string; description: string }) =>
  Type.String({ pattern: NAME_PATTERN, examples: ['mail-triage', 'feedback'], ...options });

const topic = (description: string) =>
  Type.String({
    pattern: '^(?!\\.{1,2}$)[A-Za-z0-9._-]{1,249}$',
    examples: ['mail.predictions'],
    description,
  });

const Partitions = (description: string, options: { default?: number } = {}) =>
  Type.Integer({ minimum: 1, maximum: 10_000, description, ...options });

const partitions = Type.Optional(
  Partitions(
    'how many partitions the topic is made with where it does not exist; default: `partitions` above',
  ),
);

const MADE_WITH = {
  partitions,
  retention: Type.Optional(
    Type.Union([Duration({ description: 'a duration' }), Type.Literal('forever')], {
      description: 'how long its records are kept; default: what the brokers are set to',
    }),
  ),
  cleanup: Type.Optional(
    Type.Union([Type.Literal('delete'), Type.Literal('compact')], {
      description: '`compact`: of each key the last record stays; default: what the brokers are set to',
    }),
  ),
};

export const KafkaTopic = Type.Object({ topic: topic('name of a Kafka topic'), ...MADE_WITH });
export type KafkaTopic = Static<typeof KafkaTopic>;

/** What a source says however its records come in. */
const SOURCE_SETTINGS = {
  key: Type.Optional(
    Type.Union([Type.Literal('prediction_id'), Type.Literal('deployment_id')], {
      description:
        'the producers key their records by this; without it they are re-keyed through an internal topic where they are joined. deployment_id: only with `join: none`',
    }),
  ),
  partitioner: Type.Optional(
    Type.Union([Type.Literal('murmur2'), Type.Literal('crc32')], {
      description:
        'how the producers place a key: Java and kafkajs use murmur2, librdkafka crc32. Every record is verified',
    }),
  ),
  disorder: Duration({
    default: '5s',
    description: 'by how much event times within a partition may go backwards without being late',
  }),
  clock: Type.Union([Type.Literal('wall'), Type.Literal('event')], {
    default: 'wall',
    description: '`event` for replays: a partition that is read to its end is complete at once',
  }),
};

export const Source = Type.Object({ kafka: KafkaTopic, ...SOURCE_SETTINGS });
export type Source = Static<typeof Source>;

/** Of a source whose records a connector brings in; beside these stands the connector's own entry. */
export const ConnectedSource = Type.Object({
  topic: topic('the Kafka topic that its records come into'),
  ...MADE_WITH,
  ...SOURCE_SETTINGS,
});
export type ConnectedSource = Static<typeof ConnectedSource>;

/** What such a source says beyond that where its records have ids. */
export const dedupeSetting = (default_window: string) =>
  Type.Union([Duration({ description: 'a duration' }), Type.Literal('never')], {
    default: default_window,
    description:
      'how long a record is remembered, in time of the records, so that a repetition is dropped; `never`: repetitions stay',
  });

const from = Type.String({
  description: '`actor` (its first output) or `actor.output`; with a connector also a source',
});

export const Sink = Type.Object({ from, kafka: KafkaTopic });
export type Sink = Static<typeof Sink>;

/** Of a sink from which a connector takes; beside it stands the connector's own entry. */
export const ConnectedSink = Type.Object({
  from,
  start: Type.Union([Type.Literal('earliest'), Type.Literal('latest')], {
    default: 'earliest',
    description:
      'of a sink straight from a source, when it runs for the first time: with what stands in the topic already, or with what comes from then on',
  }),
});

export const Topology = Type.Object({
  topology: Name({ description: 'its name: part of the consumer group and of every internal topic' }),
  namespace: Name({
    default: 'errata',
    description: 'keeps environments and replays apart that share one Kafka',
  }),
  partitions: Partitions('of internal topics, and of missing topics that do not say their own', {
    default: 4,
  }),
  workers: Type.Integer({ minimum: 1, maximum: 256, default: 2, description: 'threads per process' }),
  worker_heap: Type.Optional(
    ByteSize({
      description:
        'the most that the JavaScript heap of one worker may take, outside of which lie the entries of a join in memory (some 300 bytes each); default: what Node gives it',
    }),
  ),
  watchdog: Duration({
    default: '30s',
    description: 'a worker of which nothing is heard for so long is ended and started again',
  }),
  commit_interval: Duration({ default: '200ms', description: 'how often a task commits what it did' }),
  guarantee: Type.Union([Type.Literal('exactly_once'), Type.Literal('at_least_once')], {
    default: 'exactly_once',
    description: 'whether a crash may repeat what was not committed; exactly_once: consumers read committed',
  }),
  state: Type.Object(
    {
      store: Type.Union([Type.Literal('memory'), Type.Literal('lmdb')], {
        default: 'memory',
        description:
          '`lmdb`: on disk, where there is more of it than memory; a restart then reads only what is new in the changelog',
      }),
      path: Type.String({
        minLength: 1,
        default: '.errata/state',
        description: 'folder of `lmdb`, relative to where errata is started',
      }),
    },
    { default: {}, description: 'where tasks keep their state, besides in their changelogs' },
  ),
  max_ahead: Duration({
    default: '10m',
    description: 'a record stamped further than this after its Kafka timestamp goes to the dead-letter topic',
  }),
  replication: Type.Optional(
    Type.Integer({
      minimum: 1,
      maximum: 32_767,
      description: 'how many brokers keep each topic that errata makes; default: what the brokers are set to',
    }),
  ),
  kafka: Type.Optional(KafkaConnection),
  sources: Type.Record(Type.String(), Type.Unknown(), { minProperties: 1, description: 'what comes in' }),
  actors: Type.Record(Type.String(), Type.Unknown(), {
    default: {},
    description: 'what happens with it; without any, records only go from sources to sinks',
  }),
  sinks: Type.Record(Type.String(), Type.Unknown(), { default: {}, description: 'what goes out' }),
});
export type Topology = Static<typeof Topology>;
