/** Asks a subscription by a call of its own, beside the streams, whether a message waits. */
import type { PubSub, v1 } from '@google-cloud/pubsub';
import type { Probe } from './silence_watch.ts';

const TIMEOUT_MS = 10_000;

export class PubsubProbe implements Probe {
  readonly #pubsub: PubSub;
  readonly #subscription: string;
  #client: v1.SubscriberClient | undefined;

  /** `subscription`: its full name. */
  constructor(pubsub: PubSub, subscription: string) {
    this.#pubsub = pubsub;
    this.#subscription = subscription;
  }

  /** What is found is given back at once. */
  async finds(): Promise<boolean> {
    const client = await this.#open();
    const subscription = this.#subscription;
    // Google discourages `returnImmediately` for consuming; to ask once in a while is what it can do.
    const [{ receivedMessages }] = await client.pull(
      { subscription, maxMessages: 1, returnImmediately: true },
      { timeout: TIMEOUT_MS, retry: null },
    );
    const ackIds = (receivedMessages ?? []).flatMap(({ ackId }) => ackId ?? []);
    if (ackIds.length === 0) return false;
    await client.modifyAckDeadline({ subscription, ackIds, ackDeadlineSeconds: 0 }, { timeout: TIMEOUT_MS });
    return true;
  }

  async close(): Promise<void> {
    await this.#client?.close();
  }

  async #open(): Promise<v1.SubscriberClient> {
    if (this.#client) return this.#client;
    const { v1 } = await import('@google-cloud/pubsub');
    this.#client = new v1.SubscriberClient({ ...(await this.#pubsub.getClientConfig()) });
    return this.#client;
  }
}
