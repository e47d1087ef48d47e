/** The publisher over any transport: an outbox and a courier for each kind of message. */
import { ErrataError, errorMessage } from '../messages/errata_error.ts';
import { Courier, type CourierOptions } from './courier.ts';
import type { Delivery } from './delivery.ts';
import { Outbox, type OutboxBounds } from './outbox.ts';
import { pause } from './pause.ts';
import {
  type Draft,
  MESSAGE_KINDS,
  type MessageKind,
  type Publisher,
  type PublisherStats,
  type Transport,
} from './publisher.ts';

export interface BufferOptions extends OutboxBounds, CourierOptions {
  /** How long `close` goes on trying to deliver. */
  close_timeout_ms: number;
}

/** The bounds hold for each kind. */
export const BUFFER_DEFAULTS: BufferOptions = {
  max_buffered: 10_000,
  max_buffered_bytes: 32 * 1024 * 1024,
  linger_ms: 5,
  delivery_timeout_ms: 120_000,
  max_backoff_ms: 2_000,
  close_timeout_ms: 10_000,
};

interface Lane {
  outbox: Outbox;
  courier: Courier;
}

export class BufferedPublisher implements Publisher {
  readonly #transport: Transport;
  readonly #options: BufferOptions;
  readonly #lanes: Record<MessageKind, Lane>;
  readonly #stopped = new AbortController();
  #closing: Promise<void> | undefined;

  constructor(transport: Transport, options: Partial<BufferOptions> = {}) {
    this.#transport = transport;
    this.#options = withDefaults(options);
    this.#lanes = { prediction: this.#createLane('prediction'), feedback: this.#createLane('feedback') };
  }

  #createLane(kind: MessageKind): Lane {
    const outbox = new Outbox(this.#options, () => courier.wake());
    const courier = new Courier(kind, outbox, this.#transport, this.#options, this.#stopped.signal);
    return { outbox, courier };
  }

  publish(kind: MessageKind, draft: Draft, onSettled: (delivery: Delivery) => void): void {
    this.#lanes[kind].outbox.add(draft, onSettled);
  }

  async flush(kind?: MessageKind): Promise<void> {
    const lanes = (kind ? [kind] : MESSAGE_KINDS).map((each) => this.#lanes[each]);
    const flushed = lanes.map(({ outbox }) => outbox.flush());
    for (const { courier } of lanes) courier.hurry();
    await Promise.all(flushed);
  }

  async heartbeat(kind: MessageKind, time_ms: number): Promise<void> {
    if (!Number.isFinite(time_ms)) {
      throw new ErrataError('E_PUBLISH', `a heartbeat needs a time in milliseconds, not ${time_ms}`);
    }
    if (!this.#transport.heartbeat) {
      throw new ErrataError('E_PUBLISH', 'this way of publishing carries no heartbeats', {
        hint: 'publish to Kafka itself',
      });
    }
    // All kinds, because they may share a topic.
    await this.flush();
    const until_ms = performance.now() + this.#options.delivery_timeout_ms;
    for (;;) {
      if (this.#closing) throw new ErrataError('E_PUBLISH', 'the publisher is closed');
      try {
        return await this.#transport.heartbeat(kind, time_ms);
      } catch (cause) {
        if (performance.now() >= until_ms) {
          throw new ErrataError('E_PUBLISH', `no heartbeat could be written: ${errorMessage(cause)}`, {
            cause,
          });
        }
      }
      await pause(this.#options.max_backoff_ms, this.#stopped.signal);
    }
  }

  stats(): PublisherStats {
    const lanes = Object.values(this.#lanes);
    return {
      buffered: lanes.reduce((sum, { outbox }) => sum + outbox.open_count, 0),
      buffered_bytes: lanes.reduce((sum, { outbox }) => sum + outbox.open_bytes, 0),
      last_problem: lanes.map(({ courier }) => courier.last_problem).find((problem) => problem !== undefined),
    };
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    const outboxes = Object.values(this.#lanes).map(({ outbox }) => outbox);
    for (const outbox of outboxes) outbox.close();
    await Promise.race([this.flush(), pause(this.#options.close_timeout_ms, this.#stopped.signal)]);
    this.#stopped.abort();
    for (const outbox of outboxes) outbox.abandon('the publisher was closed before it was acknowledged');
    // What the transport cannot end is ended by the other side.
    await this.#transport.close().catch(() => undefined);
  }
}

/** An option that is undefined is one that was not given. */
function withDefaults(options: Partial<BufferOptions>): BufferOptions {
  const given = Object.entries(options).filter(([, value]) => value !== undefined);
  return { ...BUFFER_DEFAULTS, ...Object.fromEntries(given) };
}
