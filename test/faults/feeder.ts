/** Sends the load of a drill, batch by batch, whatever happens to the broker, until it is told to stop. */
import { setTimeout as delay } from 'node:timers/promises';
import type { IHeaders, Kafka, Message, Producer } from 'kafkajs';
import { HEARTBEAT_HEADER } from '../../messages/heartbeat.ts';
import {
  type DrillInput,
  type DrillRecord,
  type DrillSource,
  KIND_HEADER,
  NUMBER_HEADER,
  PARTITIONS,
} from './drill_input.ts';

export type SourceTopics = Record<DrillSource, string>;
const SOURCES = ['predictions', 'feedback'] as const;

export class Feeder {
  /** So many records are in the log, none of them twice unless a later sending of the same batch says so. */
  sent = 0;
  readonly #input: DrillInput;
  readonly #topics: SourceTopics;
  readonly #interval_ms: number;
  readonly #producer: Producer;
  #is_over = false;
  #feeding: Promise<void> = Promise.resolve();

  constructor(kafka: Kafka, topics: SourceTopics, input: DrillInput, interval_ms: number) {
    this.#input = input;
    this.#topics = topics;
    this.#interval_ms = interval_ms;
    // Sent again with the same sequence numbers, a batch is not taken twice.
    this.#producer = kafka.producer({
      idempotent: true,
      maxInFlightRequests: 1,
      allowAutoTopicCreation: false,
    });
  }

  async connect(): Promise<void> {
    await this.#producer.connect();
  }

  start(): void {
    this.#feeding = this.#feed();
    this.#feeding.catch(() => undefined);
  }

  /** Resolves when all that was begun is in the log. */
  async stop(): Promise<void> {
    this.#is_over = true;
    await this.#feeding;
  }

  /** Says on all partitions that nothing earlier follows. */
  async heartbeat(time_ms: number): Promise<void> {
    const headers: IHeaders = { [HEARTBEAT_HEADER]: String(time_ms) };
    const messages = Array.from({ length: PARTITIONS }, (_, partition) => ({
      partition,
      value: null,
      headers,
    }));
    await this.#send(SOURCES.map((source) => ({ topic: this.#topics[source], messages })));
  }

  async close(): Promise<void> {
    this.#is_over = true;
    await this.#producer.disconnect();
  }

  async #feed(): Promise<void> {
    let due_ms = Date.now();
    while (!this.#is_over) {
      const records = this.#input.next();
      await this.#send(
        SOURCES.map((source) => ({
          topic: this.#topics[source],
          messages: records
            .filter((record) => record.source === source)
            .map((record) => this.#message(record)),
        })),
      );
      due_ms = Math.max(due_ms + this.#interval_ms, Date.now());
      await delay(due_ms - Date.now());
    }
  }

  #message({ partition, key, value, kind }: DrillRecord): Message {
    const headers = { [KIND_HEADER]: kind, [NUMBER_HEADER]: String(this.sent++) };
    return { partition, key, value, headers };
  }

  /**
   * A call per partition: of several in one, kafkajs 2.2.4 leaves out those that have moved, while it tried again, to a broker that
   * has answered already.
   */
  async #send(topics: { topic: string; messages: Message[] }[]): Promise<void> {
    const sent = topics.flatMap(({ topic, messages }) =>
      [...Map.groupBy(messages, ({ partition }) => partition).values()].map((own) =>
        this.#producer.send({ topic, messages: own, acks: -1 }),
      ),
    );
    await Promise.all(sent);
  }
}
