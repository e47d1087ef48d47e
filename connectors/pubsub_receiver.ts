/**
 * A subscription that is read. 1. A message is acknowledged once Kafka has it, and its lease is extended until then; the
 * more wait for Kafka, the less are taken. 2. After the first that Kafka does not take, none is taken any more, so that later
 * ones of its key do not overtake it. 3. Silence is not taken for emptiness (silence_watch.ts).
 */
import type { Message, PubSub, Subscription } from '@google-cloud/pubsub';
import { ErrataError, errorMessage } from '../messages/errata_error.ts';
import type { IncomingRecord, RunningSource, SourceLag, SourcePorts } from './connector.ts';
import { HeldMessages } from './held_messages.ts';
import { openPubsub, pubsubError, STATUS, statusOf } from './pubsub_client.ts';
import { headersOf } from './pubsub_headers.ts';
import { keyOf, type PubsubKey } from './pubsub_key.ts';
import { lookAtOrdering } from './pubsub_ordering.ts';
import { PubsubProbe } from './pubsub_probe.ts';
import { SilenceWatch } from './silence_watch.ts';

export interface ReceiverOptions {
  subscription: string;
  project?: string;
  key: PubsubKey;
  /** By ordering key: then it is looked whether the subscription keeps it. */
  is_order_promised: boolean;
  max_messages: number;
  max_bytes: number;
  ack_deadline_ms: number;
  quiet_ms: number;
}

const ROLE = 'roles/pubsub.subscriber';
/** Longer than Kafka may be away: a lease that ends makes room for messages of which memory then has no bound. */
const LEASE_MAX_DAYS = 31;
/** For what is under way when it is stopped; the engine waits for 5 s. */
const CLOSE_S = 4;

export class PubsubReceiver implements RunningSource {
  readonly #options: ReceiverOptions;
  readonly #ports: SourcePorts;
  readonly #pubsub: PubSub;
  readonly #subscription: Subscription;
  readonly #probe: PubsubProbe;
  readonly #watch: SilenceWatch;
  readonly #held = new HeldMessages();
  #is_ending = false;
  #trouble: string | null = null;
  #is_order_known: boolean;

  static async start(options: ReceiverOptions, ports: SourcePorts): Promise<PubsubReceiver> {
    const pubsub = await openPubsub(options.subscription, options.project);
    // Until then names have no project.
    await pubsub.getClientConfig();
    const { Duration, SubscriptionCloseBehaviors } = await import('@google-cloud/pubsub');
    const deadline = Duration.from({ milliseconds: options.ack_deadline_ms });
    const subscription = pubsub.subscription(options.subscription, {
      flowControl: { maxMessages: options.max_messages, maxBytes: options.max_bytes },
      minAckDeadline: deadline,
      maxAckDeadline: deadline,
      maxExtensionTime: Duration.from({ hours: 24 * LEASE_MAX_DAYS }),
      batching: { maxMilliseconds: 10 },
      closeOptions: {
        behavior: SubscriptionCloseBehaviors.WaitForProcessing,
        timeout: Duration.from({ seconds: CLOSE_S }),
      },
    });
    return new PubsubReceiver(options, ports, pubsub, subscription);
  }

  private constructor(
    options: ReceiverOptions,
    ports: SourcePorts,
    pubsub: PubSub,
    subscription: Subscription,
  ) {
    this.#options = options;
    this.#is_order_known = !options.is_order_promised;
    this.#ports = ports;
    this.#pubsub = pubsub;
    this.#subscription = subscription;
    this.#probe = new PubsubProbe(pubsub, subscription.name);
    this.#watch = new SilenceWatch({
      probe: this.#probe,
      quiet_ms: options.quiet_ms,
      isBusy: () => !this.#held.isEmpty,
      onAnswer: (trouble) => this.#hear(trouble),
      onStalled: () => this.#fail(stalled(subscription.name)),
    });
    subscription.on('message', (message: Message) => void this.#take(message));
    subscription.on('error', (error) => this.#fail(pubsubError(error, subscription.name, ROLE)));
    subscription.on('debug', ({ message }) => this.#suspect(message));
    void this.#lookAtOrdering();
  }

  health(): string | null {
    return this.#trouble ?? this.#ports.blocked();
  }

  /** How many wait in the subscription, only Cloud Monitoring knows. */
  lag(): SourceLag {
    return this.#held.lag();
  }

  async stop(): Promise<void> {
    this.#is_ending = true;
    this.#watch.stop();
    await this.#subscription.close();
    await this.#probe.close();
    await this.#pubsub.close();
  }

  async #take(message: Message): Promise<void> {
    this.#watch.heard();
    if (this.#is_ending) return message.nack();
    await this.#held.during(1, message.publishTime.getTime(), () => this.#bringIn(message));
  }

  async #bringIn(message: Message): Promise<void> {
    try {
      await this.#ports.publish([this.#recordOf(message)]);
      // Where the subscription is exactly once, this may fail: then the message comes again, and is dropped as a repetition.
      await message.ackWithResponse().catch((error) => this.#suspect(errorMessage(error)));
    } catch (error) {
      message.nack();
      this.#fail(error instanceof Error ? error : new Error(String(error)));
    }
  }

  #recordOf({ id, data, attributes, orderingKey, publishTime }: Message): IncomingRecord {
    const fields = {
      message_id: id,
      publish_time: publishTime.toISOString(),
      ordering_key: orderingKey ?? '',
      attributes,
    };
    return {
      id,
      key: keyOf(this.#options.key, fields, data),
      value: data,
      headers: headersOf(fields),
      timestamp_ms: publishTime.getTime(),
    };
  }

  /** Google's client goes on by itself; whether it gets anywhere, the watch finds out. */
  #suspect(message: string): void {
    this.#ports.log.debug({ subscription: this.#subscription.name, reason: message }, 'Pub/Sub');
    this.#watch.suspect();
  }

  #hear(trouble: unknown): void {
    if (trouble !== null) {
      const error = pubsubError(trouble, this.#subscription.name, ROLE);
      this.#trouble = error.toString();
      // One that is made anew has none of these streams.
      if (statusOf(trouble) === STATUS.NOT_FOUND) this.#fail(error);
      return;
    }
    if (this.#trouble !== null) void this.#lookAtOrdering();
    this.#trouble = null;
  }

  async #lookAtOrdering(): Promise<void> {
    if (this.#is_order_known) return;
    this.#is_order_known = true;
    this.#is_order_known = await lookAtOrdering(this.#subscription, this.#ports, () => this.#is_ending);
  }

  #fail(error: Error): void {
    if (this.#is_ending) return;
    this.#is_ending = true;
    this.#trouble = error instanceof ErrataError ? error.toString() : error.message;
    this.#watch.stop();
    this.#ports.fail(error);
  }
}

function stalled(subscription: string): ErrataError {
  return new ErrataError(
    'E_PUBSUB_STALLED',
    `${subscription}: a message waits there, and the streams that are open do not deliver it`,
  );
}
