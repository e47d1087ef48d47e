/**
 * Publishes to Kafka with kafkajs, which is loaded with the first batch. Records are keyed by prediction id and
 * partitioned as Java clients do (murmur2), carry the time of sending, and count when all replicas have them. A retry
 * may write a record twice: predictions are told apart by their id, feedback by its `event_id`.
 */
import type { Admin, Kafka, KafkaConfig, Message as KafkaMessage, Producer } from 'kafkajs';
import { ErrataError } from '../messages/errata_error.ts';
import { HEARTBEAT_HEADER } from '../messages/heartbeat.ts';
import { BufferedPublisher, type BufferOptions } from './buffered_publisher.ts';
import type { Message, MessageKind, Publisher, Refused, Transport } from './publisher.ts';

export interface KafkaPublisherOptions extends Partial<BufferOptions> {
  /** `host:port` of some of the brokers. */
  brokers: string[];
  /** Must exist; by default `predictions` and `feedback`. One topic may carry both. */
  topics?: Partial<Record<MessageKind, string>>;
  client_id?: string;
  ssl?: KafkaConfig['ssl'];
  sasl?: KafkaConfig['sasl'];
}

export function kafkaPublisher(options: KafkaPublisherOptions): Publisher {
  return new BufferedPublisher(new KafkaTransport(options), options);
}

const ACKNOWLEDGED_BY_ALL = -1;
/** Of the broker: MESSAGE_TOO_LARGE and RECORD_LIST_TOO_LARGE. */
const TOO_LARGE = new Set([10, 18]);

interface Connection {
  producer: Producer;
  admin: Admin;
}

class KafkaTransport implements Transport {
  /** kafkajs needs quadratic time for the messages of one call. */
  readonly max_batch_messages = 1_000;
  /** One call makes one batch per partition, and `max.message.bytes` is 1 MiB by default. */
  readonly max_batch_bytes = 768 * 1024;
  readonly #options: KafkaPublisherOptions;
  readonly #topics: Record<MessageKind, string>;
  #connecting: Promise<Connection> | undefined;

  constructor(options: KafkaPublisherOptions) {
    this.#options = options;
    const { prediction = 'predictions', feedback = 'feedback' } = options.topics ?? {};
    this.#topics = { prediction, feedback };
  }

  async send(kind: MessageKind, messages: readonly Message[]): Promise<Refused[]> {
    await this.#produce(kind, [...messages]);
    return [];
  }

  async heartbeat(kind: MessageKind, time_ms: number): Promise<void> {
    const { admin } = await this.#connect();
    const { topics } = await admin.fetchTopicMetadata({ topics: [this.#topics[kind]] });
    const partitions = topics[0]?.partitions ?? [];
    const headers = { [HEARTBEAT_HEADER]: String(time_ms) };
    await this.#produce(
      kind,
      partitions.map(({ partitionId }) => ({ key: null, value: null, headers, partition: partitionId })),
    );
  }

  async close(): Promise<void> {
    const connection = await this.#connecting?.catch(() => undefined);
    await connection?.producer.disconnect();
    await connection?.admin.disconnect();
  }

  async #produce(kind: MessageKind, messages: KafkaMessage[]): Promise<void> {
    const { producer } = await this.#connect();
    try {
      await producer.send({ topic: this.#topics[kind], messages, acks: ACKNOWLEDGED_BY_ALL });
    } catch (cause) {
      if (!isTooLarge(cause)) throw cause;
      throw new ErrataError('E_TOO_LARGE', `${this.#topics[kind]} does not take records of this size`, {
        cause,
        hint: "raise the topic's max.message.bytes or capture less of the input",
      });
    }
  }

  async #connect(): Promise<Connection> {
    this.#connecting ??= connect(this.#options);
    const connecting = this.#connecting;
    try {
      return await connecting;
    } catch (thrown) {
      if (this.#connecting === connecting) this.#connecting = undefined;
      throw thrown;
    }
  }
}

async function connect(options: KafkaPublisherOptions): Promise<Connection> {
  const { default: kafkajs } = await import('kafkajs');
  const kafka: Kafka = new kafkajs.Kafka({
    brokers: options.brokers,
    clientId: options.client_id ?? 'errata-sdk',
    // The courier tries again; problems are in the stats of the publisher, not on the application's console.
    retry: { retries: 1, initialRetryTime: 50 },
    logLevel: kafkajs.logLevel.NOTHING,
    ...(options.ssl === undefined ? {} : { ssl: options.ssl }),
    ...(options.sasl === undefined ? {} : { sasl: options.sasl }),
  });
  const producer = kafka.producer({
    createPartitioner: kafkajs.Partitioners.DefaultPartitioner,
    // A topic made here would have the broker's number of partitions, not the topology's.
    allowAutoTopicCreation: false,
    // Only the courier tries again, with the whole batch: kafkajs 2.2.4 asks no broker twice that has answered, so where a partition
    // has moved to one meanwhile, its records are left out, and it says that all went well.
    retry: { retries: 0 },
  });
  const admin = kafka.admin();
  try {
    await producer.connect();
    await admin.connect();
  } catch (thrown) {
    await Promise.allSettled([producer.disconnect(), admin.disconnect()]);
    throw thrown;
  }
  return { producer, admin };
}

function isTooLarge(thrown: unknown): boolean {
  for (let error = thrown; error instanceof Error; error = error.cause) {
    if ('code' in error && TOO_LARGE.has(Number(error.code))) return true;
  }
  return false;
}
