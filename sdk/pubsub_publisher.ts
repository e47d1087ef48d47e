/**
 * Publishes to Google Pub/Sub with @google-cloud/pubsub, which is loaded with the first batch. Each message carries its
 * prediction id as the attribute `prediction_id`, by which a bridge can key it.
 */
import type { ClientConfig, PubSub, Topic } from '@google-cloud/pubsub';
import { BufferedPublisher, type BufferOptions } from './buffered_publisher.ts';
import type { Message, MessageKind, Publisher, Refused, Transport } from './publisher.ts';

export interface PubSubPublisherOptions extends Partial<BufferOptions> {
  /** Must exist; by default `predictions` and `feedback`. One topic may carry both. */
  topics?: Partial<Record<MessageKind, string>>;
  /** Project, credentials, endpoint; by default as Google's clients find them in the environment. */
  client?: ClientConfig;
}

export function pubSubPublisher(options: PubSubPublisherOptions = {}): Publisher {
  return new BufferedPublisher(new PubSubTransport(options), options);
}

/** Pub/Sub's own limit for one request. */
const MAX_MESSAGES = 1_000;
const MAX_BATCH_BYTES = 4 * 1024 * 1024;
/** Shorter than the courier's patience: it is the one that tries again. */
const REQUEST_TIMEOUT_MS = 10_000;

interface Connection {
  client: PubSub;
  topics: Record<MessageKind, Topic>;
}

class PubSubTransport implements Transport {
  readonly max_batch_messages = MAX_MESSAGES;
  readonly max_batch_bytes = MAX_BATCH_BYTES;
  readonly #options: PubSubPublisherOptions;
  #connecting: Promise<Connection> | undefined;

  constructor(options: PubSubPublisherOptions) {
    this.#options = options;
  }

  async send(kind: MessageKind, messages: readonly Message[]): Promise<Refused[]> {
    this.#connecting ??= connect(this.#options);
    const { topics } = await this.#connecting;
    const publishing = messages.map(({ key, value }) =>
      topics[kind].publishMessage({ data: value, ...(key ? { attributes: attributesOf(key) } : {}) }),
    );
    // All are waited for, so that none is sent again while it is still under way.
    const failure = (await Promise.allSettled(publishing)).find(({ status }) => status === 'rejected');
    if (failure?.status === 'rejected') throw failure.reason;
    return [];
  }

  async close(): Promise<void> {
    await (await this.#connecting)?.client.close();
  }
}

async function connect({ client: config, topics = {} }: PubSubPublisherOptions): Promise<Connection> {
  const { PubSub } = await import('@google-cloud/pubsub');
  const client = new PubSub(config);
  const open = (name: string) =>
    client.topic(name, {
      // The courier has gathered the batch; it goes as it is.
      batching: { maxMessages: MAX_MESSAGES, maxMilliseconds: 1 },
      gaxOpts: { timeout: REQUEST_TIMEOUT_MS },
    });
  const { prediction = 'predictions', feedback = 'feedback' } = topics;
  return { client, topics: { prediction: open(prediction), feedback: open(feedback) } };
}

/** Pub/Sub's limit for the value of an attribute. */
const MAX_ATTRIBUTE_BYTES = 1_024;

function attributesOf(prediction_id: string): Record<string, string> {
  return Buffer.byteLength(prediction_id) <= MAX_ATTRIBUTE_BYTES ? { prediction_id } : {};
}
