/**
 * The Pub/Sub sink of one partition. The messages of one ordering key go out in one row: where one fails, those behind it have
 * failed with it and none of the key goes out before it has. They are published again in their order, until they are taken
 * or it is known which of them Pub/Sub refuses. Other keys go on meanwhile.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { PubSub, Topic } from '@google-cloud/pubsub';
import { backoffMs } from './backoff.ts';
import type { OpenSink, Refusal, SinkPorts, SinkRecord } from './connector.ts';
import { openPubsub, pubsubError, STATUS, statusOf } from './pubsub_client.ts';
import { attributesOf, MESSAGE_ID, orderingKeyOf } from './pubsub_headers.ts';
import { type OutgoingMessage, refusalOf } from './pubsub_limits.ts';

export interface SenderOptions {
  topic: string;
  project?: string;
  ordered: boolean;
  id_attribute?: string;
}

interface Outgoing extends OutgoingMessage {
  record: SinkRecord;
}

const ROLE = 'roles/pubsub.publisher';
/** How many ordering keys are published at once. */
const CONCURRENCY = 64;
const BACKOFF = { first_ms: 200, most_ms: 30_000 };
/** An attempt of Google's client is one call: what comes after it is decided, and told, here. */
const CALL = { retry: null, timeout: 30_000 };

export class PubsubSender implements OpenSink {
  readonly #options: SenderOptions;
  readonly #ports: SinkPorts;
  readonly #pubsub: PubSub;
  readonly #topic: Topic;
  /** Why an ordering key waits. */
  readonly #waiting = new Map<string, string>();

  static async open(options: SenderOptions, ports: SinkPorts): Promise<PubsubSender> {
    const pubsub = await openPubsub(options.topic, options.project);
    // Until then names have no project.
    await pubsub.getClientConfig();
    const topic = pubsub.topic(options.topic, {
      messageOrdering: options.ordered,
      batching: { maxMilliseconds: 1, maxMessages: 1_000 },
      gaxOpts: CALL,
    });
    return new PubsubSender(options, ports, pubsub, topic);
  }

  private constructor(options: SenderOptions, ports: SinkPorts, pubsub: PubSub, topic: Topic) {
    this.#options = options;
    this.#ports = ports;
    this.#pubsub = pubsub;
    this.#topic = topic;
  }

  async write(records: readonly SinkRecord[]): Promise<Refusal[]> {
    const refusals: Refusal[] = [];
    const messages = records.flatMap((record) => {
      const message = this.#messageOf(record);
      const refusal = refusalOf(message);
      if (refusal === null) return [message];
      refusals.push({ record, reason: { code: 'pubsub_limit', message: refusal } });
      return [];
    });
    const by_key = Map.groupBy(messages, ({ ordering_key }) => ordering_key);
    const rows = by_key.entries();
    const runners = Array.from({ length: CONCURRENCY }, async () => {
      for (const [key, row] of rows) refusals.push(...(await this.#publishRow(key, row)));
    });
    try {
      await unlessAborted(Promise.all(runners), this.#ports.signal);
    } finally {
      this.#waiting.clear();
    }
    return refusals;
  }

  health(): string | null {
    const [first] = this.#waiting.values();
    return first === undefined ? null : `${first}; ${this.#waiting.size} keys wait`;
  }

  async close(): Promise<void> {
    await this.#pubsub.close();
  }

  #messageOf(record: SinkRecord): Outgoing {
    const { topic, partition, offset, headers, key, value } = record;
    const { ordered, id_attribute } = this.#options;
    const attributes = attributesOf(headers);
    if (id_attribute !== undefined)
      attributes[id_attribute] = headers[MESSAGE_ID] ?? `${topic}/${partition}/${offset}`;
    const ordering_key = ordered ? orderingKeyOf(headers, key) : '';
    return { record, data: value ?? Buffer.alloc(0), attributes, ordering_key };
  }

  /** Rejects only where the task ends. */
  async #publishRow(key: string, row: Outgoing[]): Promise<Refusal[]> {
    const refusals: Refusal[] = [];
    let waiting = row;
    let together = row.length;
    for (let attempt = 0; waiting.length > 0; ) {
      const portion = waiting.slice(0, together);
      const { failed, error } = await this.#publish(key, portion);
      waiting = [...failed, ...waiting.slice(together)];
      if (failed.length === 0) attempt = 0;
      else if (statusOf(error) !== STATUS.INVALID_ARGUMENT) await this.#wait(key, attempt++, error);
      // One request has the messages of a key, and one answer: who is to blame shows when they go one by one.
      else if (portion.length > 1) together = 1;
      else {
        const { record } = waiting.shift()!;
        refusals.push({
          record,
          reason: { code: 'pubsub_refused', message: pubsubError(error, this.#topic.name, ROLE).message },
        });
        together = row.length;
      }
    }
    this.#waiting.delete(key);
    return refusals;
  }

  /** Those that were not taken, in their order, and what was answered to the first of them. */
  async #publish(
    key: string,
    portion: readonly Outgoing[],
  ): Promise<{ failed: Outgoing[]; error?: unknown }> {
    const answers = await Promise.allSettled(
      portion.map(({ data, attributes }) =>
        this.#topic.publishMessage({ data, attributes, ...(key === '' ? {} : { orderingKey: key }) }),
      ),
    );
    this.#ports.signal.throwIfAborted();
    const failed = portion.filter((_, index) => answers[index]!.status === 'rejected');
    if (failed.length === 0) return { failed };
    if (key !== '') this.#topic.resumePublishing(key);
    return { failed, error: answers.find((answer) => answer.status === 'rejected')?.reason };
  }

  async #wait(key: string, attempt: number, cause: unknown): Promise<void> {
    const error = pubsubError(cause, this.#topic.name, ROLE);
    if (this.#waiting.size === 0) this.#ports.log.warn({ reason: error.toString() }, 'Pub/Sub sink waits');
    this.#waiting.set(key, error.toString());
    await delay(backoffMs(attempt, BACKOFF), undefined, { signal: this.#ports.signal });
  }
}

/** Google's client cannot be told to give up; what it still answers is not heard. */
async function unlessAborted(work: Promise<unknown>, signal: AbortSignal): Promise<void> {
  const { promise, reject } = Promise.withResolvers<never>();
  const abort = () => reject(signal.reason);
  signal.addEventListener('abort', abort, { once: true });
  try {
    signal.throwIfAborted();
    await Promise.race([work, promise]);
  } finally {
    signal.removeEventListener('abort', abort);
  }
}
