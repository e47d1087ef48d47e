/** Both ways over Google's fake, each as errata goes it and as Google's client goes it alone. A way resolves with messages a second. */
import type { PubSub } from '@google-cloud/pubsub';
import { Kafka, logLevel } from 'kafkajs';

export interface Load {
  messages: number;
  /** Of the data of each. */
  bytes: number;
  /** Ordering keys; 0: none. */
  keys: number;
}

const CHUNK = 1_000;

export function dataOf(number: number, bytes: number): Buffer {
  return Buffer.from(`${number} `.padEnd(bytes, 'x'));
}

function keyOf(number: number, { keys }: Load): string {
  return keys === 0 ? '' : `key-${number % keys}`;
}

/** All are published when it resolves. */
export async function publish(pubsub: PubSub, topic: string, load: Load): Promise<number> {
  const publisher = pubsub.topic(topic, { messageOrdering: load.keys > 0 });
  const begun_ms = performance.now();
  for (let from = 0; from < load.messages; from += CHUNK) {
    const until = Math.min(load.messages, from + CHUNK);
    const sent = Array.from({ length: until - from }, (_, at) => {
      const orderingKey = keyOf(from + at, load);
      const data = dataOf(from + at, load.bytes);
      return publisher.publishMessage(orderingKey === '' ? { data } : { data, orderingKey });
    });
    await Promise.all(sent);
  }
  return perSecond(load.messages, begun_ms);
}

/** What Google's client takes and acknowledges, when nobody does anything with it. */
export async function drain(pubsub: PubSub, subscription: string, count: number): Promise<number> {
  const subscriber = pubsub.subscription(subscription, { flowControl: { maxMessages: 1_000 } });
  const arrivals = new Arrivals(count);
  subscriber.on('message', (message) => {
    message.ack();
    arrivals.add(message.id);
  });
  subscriber.on('error', (error) => arrivals.fail(error));
  const per_s = await arrivals.all;
  await subscriber.close();
  return per_s;
}

/** What comes to stand in a topic, as a consumer that reads committed sees it; each message must come once. */
export async function arrivingIn(kafka: Kafka, topic: string, count: number): Promise<number> {
  const consumer = kafka.consumer({ groupId: `bench-${topic}`, readUncommitted: false });
  await consumer.connect();
  await consumer.subscribe({ topic, fromBeginning: true });
  const arrivals = new Arrivals(count);
  await consumer.run({
    eachMessage: async ({ message }) => {
      if (!arrivals.add(String(message.value).split(' ', 1)[0]!))
        arrivals.fail(new Error('a message came twice'));
    },
  });
  const per_s = await arrivals.all;
  await consumer.disconnect();
  return per_s;
}

export async function produce(kafka: Kafka, topic: string, load: Load): Promise<void> {
  const producer = kafka.producer({ allowAutoTopicCreation: false });
  await producer.connect();
  for (let from = 0; from < load.messages; from += CHUNK) {
    const messages = Array.from({ length: Math.min(CHUNK, load.messages - from) }, (_, at) => ({
      key: keyOf(from + at, load) || null,
      value: dataOf(from + at, load.bytes),
    }));
    await producer.send({ topic, messages });
  }
  await producer.disconnect();
}

export function clientOf(brokers: string): Kafka {
  return new Kafka({ brokers: [brokers], logLevel: logLevel.NOTHING });
}

export function perSecond(count: number, begun_ms: number): number {
  return (1_000 * count) / (performance.now() - begun_ms);
}

/** From the first to the last of so many different ones. */
class Arrivals {
  readonly #ids = new Set<string>();
  readonly #count: number;
  readonly #done = Promise.withResolvers<number>();
  #begun_ms = 0;

  constructor(count: number) {
    this.#count = count;
  }

  get all(): Promise<number> {
    return this.#done.promise;
  }

  /** False where it was there. */
  add(id: string): boolean {
    if (this.#ids.size === 0) this.#begun_ms = performance.now();
    const is_new = !this.#ids.has(id);
    this.#ids.add(id);
    if (this.#ids.size === this.#count) this.#done.resolve(perSecond(this.#count, this.#begun_ms));
    return is_new;
  }

  fail(error: Error): void {
    this.#done.reject(error);
  }
}
