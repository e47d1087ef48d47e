/** Carries what is in an outbox: one batch at a time, in order, again and again until acknowledged or too old. */
import { ErrataError, errorMessage } from '../messages/errata_error.ts';
import { PUBLISHED } from './delivery.ts';
import type { Outbox, Written } from './outbox.ts';
import { pause } from './pause.ts';
import type { MessageKind, Transport } from './publisher.ts';

export interface CourierOptions {
  /** How long the first message of a batch waits for others. */
  linger_ms: number;
  /** A message that is older and not acknowledged has failed. */
  delivery_timeout_ms: number;
  /** The longest pause between two attempts. */
  max_backoff_ms: number;
}

const FIRST_BACKOFF_MS = 50;

export class Courier {
  readonly #kind: MessageKind;
  readonly #outbox: Outbox;
  readonly #transport: Transport;
  readonly #options: CourierOptions;
  readonly #stopped: AbortSignal;
  #is_running = false;
  #lingering: AbortController | undefined;
  #last_problem: string | undefined;

  constructor(
    kind: MessageKind,
    outbox: Outbox,
    transport: Transport,
    options: CourierOptions,
    stopped: AbortSignal,
  ) {
    this.#kind = kind;
    this.#outbox = outbox;
    this.#transport = transport;
    this.#options = options;
    this.#stopped = stopped;
  }

  /** Why the last attempt failed; undefined once one has succeeded. */
  get last_problem(): string | undefined {
    return this.#last_problem;
  }

  /** Something is in the outbox. */
  wake(): void {
    if (!this.#is_running) void this.#run();
  }

  /** Somebody waits: whatever is there goes at once. */
  hurry(): void {
    this.#lingering?.abort();
  }

  async #run(): Promise<void> {
    this.#is_running = true;
    const { max_batch_messages, max_batch_bytes } = this.#transport;
    while (this.#outbox.written_count > 0) {
      await this.#linger();
      await this.#deliver(this.#outbox.take(max_batch_messages, max_batch_bytes));
    }
    this.#is_running = false;
  }

  async #linger(): Promise<void> {
    if (this.#outbox.is_urgent || this.#outbox.written_count >= this.#transport.max_batch_messages) return;
    this.#lingering = new AbortController();
    await pause(this.#options.linger_ms, AbortSignal.any([this.#stopped, this.#lingering.signal]));
  }

  async #deliver(batch: Written[]): Promise<void> {
    let backoff_ms = FIRST_BACKOFF_MS;
    for (;;) {
      const waiting = this.#stillWaiting(batch);
      if (waiting.length === 0) return;
      try {
        await this.#send(waiting);
        this.#last_problem = undefined;
        return;
      } catch (thrown) {
        this.#last_problem = errorMessage(thrown);
        if (thrown instanceof ErrataError && thrown.code === 'E_TOO_LARGE') return this.#halve(waiting);
      }
      await pause(backoff_ms, this.#stopped);
      backoff_ms = Math.min(2 * backoff_ms, this.#options.max_backoff_ms);
    }
  }

  async #send(batch: Written[]): Promise<void> {
    const messages = batch.map(({ message }) => message);
    for (const { index, reason } of await this.#transport.send(this.#kind, messages)) {
      const refused = batch[index];
      if (refused) this.#outbox.settle(refused.entry, { outcome: 'failed', reason });
    }
    // Those that were refused are settled already.
    for (const { entry } of batch) this.#outbox.settle(entry, PUBLISHED);
  }

  /** Finds the one message that is too large, so that only it fails. */
  async #halve(batch: Written[]): Promise<void> {
    const [first] = batch;
    if (first && batch.length === 1) {
      const reason = this.#last_problem ?? 'too large';
      this.#outbox.settle(first.entry, { outcome: 'failed', reason });
      return;
    }
    const middle = Math.ceil(batch.length / 2);
    await this.#deliver(batch.slice(0, middle));
    await this.#deliver(batch.slice(middle));
  }

  /** Fails those whose time is over. */
  #stillWaiting(batch: Written[]): Written[] {
    const { delivery_timeout_ms } = this.#options;
    const oldest_ms = performance.now() - delivery_timeout_ms;
    for (const { entry } of batch) {
      if (entry.added_ms >= oldest_ms) continue;
      const reason = `not acknowledged within ${delivery_timeout_ms} ms: ${this.#last_problem ?? 'others were before it'}`;
      this.#outbox.settle(entry, { outcome: 'failed', reason });
    }
    return batch.filter(({ entry }) => this.#outbox.isOpen(entry));
  }
}
