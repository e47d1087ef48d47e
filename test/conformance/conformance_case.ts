/** What a conformance case is given, and the helpers that cases share. */
import {
  type Admin,
  type EachMessagePayload,
  Kafka,
  logLevel,
  type Producer,
  type ProducerConfig,
} from 'kafkajs';
import { RawClient } from '../harness/raw_client.ts';

/** One story of client calls; what it returns is compared between brokers. */
export interface ConformanceCase {
  name: string;
  run(scope: Scope): Promise<unknown>;
}

export interface ReadMessage {
  partition: number;
  offset: string;
  key: string | null;
  value: string | null;
  timestamp: string;
  headers: Record<string, string | string[]>;
}

/** Clients on one broker and names of its own for one case; `close` ends all that was opened. */
export class Scope {
  readonly kafka: Kafka;
  readonly address: string;
  readonly #prefix: string;
  readonly #closing: (() => Promise<unknown>)[] = [];

  constructor(address: string, case_index: number) {
    this.address = address;
    this.#prefix = `conf-${process.pid}-${Date.now()}-${case_index}-`;
    this.kafka = new Kafka({
      clientId: 'conformance',
      brokers: [address],
      logLevel: logLevel.NOTHING,
      retry: { retries: 4, initialRetryTime: 60 },
    });
  }

  /** A topic or group name that no other run uses. */
  name(plain: string): string {
    return `${this.#prefix}${plain}`;
  }

  async admin(): Promise<Admin> {
    const admin = this.kafka.admin();
    await admin.connect();
    this.#closing.push(() => admin.disconnect());
    return admin;
  }

  async producer(options: ProducerConfig = {}): Promise<Producer> {
    const producer = this.kafka.producer({ allowAutoTopicCreation: false, ...options });
    await producer.connect();
    this.#closing.push(() => producer.disconnect());
    return producer;
  }

  raw(): RawClient {
    const client = new RawClient(this.address);
    this.#closing.push(async () => client.end());
    return client;
  }

  /** Creates a topic and returns its name. */
  async topic(plain: string, partitions = 1, configs: Record<string, string> = {}): Promise<string> {
    const admin = await this.admin();
    const topic = this.name(plain);
    const configEntries = Object.entries(configs).map(([name, value]) => ({ name, value }));
    await admin.createTopics({
      topics: [{ topic, numPartitions: partitions, replicationFactor: 1, configEntries }],
      waitForLeaders: false,
    });
    await this.offsets(admin, topic, partitions);
    return topic;
  }

  /** The offsets of a topic once it has so many partitions and all are served, which Kafka takes a moment for. */
  async offsets(admin: Admin, topic: string, partitions: number) {
    const is_served = (found: unknown) => Array.isArray(found) && found.length === partitions;
    const ask = () => admin.fetchTopicOffsets(topic).catch(() => []);
    const found = await until(ask, is_served);
    return found.toSorted((a, b) => a.partition - b.partition);
  }

  /** Reads a topic in a group until there are `count` messages, commits and leaves. */
  async consume(
    topic: string,
    count: number,
    group = 'reader',
    from_beginning = true,
  ): Promise<ReadMessage[]> {
    const consumer = this.kafka.consumer({
      groupId: this.name(group),
      maxWaitTimeInMs: 100,
      sessionTimeout: 10_000,
    });
    const messages: ReadMessage[] = [];
    const { promise: done, resolve } = Promise.withResolvers<void>();
    await consumer.connect();
    await consumer.subscribe({ topics: [topic], fromBeginning: from_beginning });
    await consumer.run({
      eachMessage: async (payload) => {
        messages.push(readable(payload));
        if (messages.length >= count) resolve();
      },
    });
    await done;
    await consumer.disconnect();
    return messages.sort((a, b) => a.partition - b.partition || Number(a.offset) - Number(b.offset));
  }

  /** An answer without what differs from run to run: this case's prefix, ids, times, addresses. */
  plain(answer: unknown): unknown {
    const text = JSON.stringify(answer ?? null).replaceAll(this.#prefix, '');
    return JSON.parse(text.replace(/(conformance|raw)-[0-9a-f]{8}-[0-9a-f-]{27}/g, '$1-member'));
  }

  async close(): Promise<void> {
    for (const close of this.#closing.reverse()) await close();
  }
}

function readable({ partition, message }: EachMessagePayload): ReadMessage {
  const { offset, key, value, timestamp, headers } = message;
  const shown = Object.entries(headers ?? {}).map(([name, one]) => [
    name,
    Array.isArray(one) ? one.map(String) : String(one),
  ]);
  return {
    partition,
    offset,
    key: key?.toString() ?? null,
    value: value?.toString() ?? null,
    timestamp,
    headers: Object.fromEntries(shown),
  };
}

interface ProtocolError {
  type?: string;
  code?: number;
  cause?: ProtocolError;
  errors?: ProtocolError[];
  error?: ProtocolError;
  partitions?: ProtocolError[];
}

/** The protocol's error types behind what kafkajs throws, or the result where it does not throw. */
export async function outcome(call: Promise<unknown>): Promise<unknown> {
  try {
    return { result: (await call) ?? null };
  } catch (thrown) {
    const types = typesOf(thrown as ProtocolError);
    if (types.length === 0) throw thrown;
    return { errors: types };
  }
}

function typesOf(error: ProtocolError): string[] {
  const parts = error.errors ?? error.partitions;
  if (parts) return parts.flatMap((part) => typesOf(part.error ?? part));
  if (error.type !== undefined) return [error.type];
  return error.cause ? typesOf(error.cause) : [];
}

const PATIENCE_MS = 30_000;

/** Repeats a question until its answer is the one waited for; throws with the last answer if it never is. */
export async function until<T>(ask: () => Promise<T>, is_settled: (answer: T) => boolean): Promise<T> {
  const deadline = Date.now() + PATIENCE_MS;
  for (;;) {
    const answer = await ask();
    if (is_settled(answer)) return answer;
    if (Date.now() > deadline) throw new Error(`never settled: ${JSON.stringify(answer)}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
