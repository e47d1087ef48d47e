/**
 * Writes what a source brings in, at least once: what is published while a write is under way goes out with the next one, so
 * the faster it comes, the larger the batches. A partition gets its records in the order in which they were published.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { ErrataError, errorMessage } from '../messages/errata_error.ts';
import type { OutputRecord } from './effects.ts';
import { classOf, fatalError } from './kafka_errors.ts';
import { Outbox } from './outbox.ts';

const BACKOFF_MS = { first: 50, most: 2_000 };
/** A write holds so many records, or those of the one publication that has more. */
const WRITE_MAX_RECORDS = 10_000;

interface Publication {
  records: OutputRecord[];
  done: PromiseWithResolvers<void>;
}

export class Publisher {
  readonly #flush: (outbox: Outbox) => Promise<void>;
  readonly #stop = new AbortController();
  #waiting: Publication[] = [];
  #writing: Promise<void> | undefined;
  #blocked: string | null = null;

  /** `flush` resolves once all is acknowledged, and takes out of the outbox what is. */
  constructor(flush: (outbox: Outbox) => Promise<void>) {
    this.#flush = flush;
  }

  /** Resolves once Kafka has acknowledged them. Rejects with E_SOURCE_STOPPED, or where Kafka's answer is final. */
  publish(records: OutputRecord[]): Promise<void> {
    if (this.#stop.signal.aborted) return Promise.reject(stopped());
    if (records.length === 0) return Promise.resolve();
    const done = Promise.withResolvers<void>();
    this.#waiting.push({ records, done });
    this.#writing ??= this.#write().finally(() => {
      this.#writing = undefined;
    });
    return done.promise;
  }

  /** Why nothing gets through at the moment. */
  get blocked(): string | null {
    return this.#blocked;
  }

  /** What is under way is no longer waited for: whether it gets into the log is unknown. */
  stop(): void {
    this.#stop.abort();
    for (const { done } of this.#waiting.splice(0)) done.reject(stopped());
  }

  async #write(): Promise<void> {
    while (this.#waiting.length > 0) {
      const batch = this.#nextBatch();
      try {
        await this.#persist(new Outbox(batch.flatMap(({ records }) => records)));
        for (const { done } of batch) done.resolve();
      } catch (error) {
        // What waits behind it goes down with it: written now, it would overtake what its source gives again.
        for (const { done } of [...batch, ...this.#waiting.splice(0)]) done.reject(error);
      }
    }
  }

  #nextBatch(): Publication[] {
    let count = 0;
    const end = this.#waiting.findIndex(({ records }) => {
      count += records.length;
      return count > WRITE_MAX_RECORDS;
    });
    return this.#waiting.splice(0, end < 0 ? this.#waiting.length : Math.max(1, end));
  }

  async #persist(outbox: Outbox): Promise<void> {
    const { signal } = this.#stop;
    for (let backoff_ms = BACKOFF_MS.first; ; backoff_ms = Math.min(backoff_ms * 2, BACKOFF_MS.most)) {
      if (signal.aborted) throw stopped();
      try {
        await this.#flush(outbox);
        this.#blocked = null;
        return;
      } catch (error) {
        this.#blocked = errorMessage(error);
        if (classOf(error) === 'fatal') throw fatalError(error);
      }
      await delay(backoff_ms, undefined, { signal }).catch(() => undefined);
    }
  }
}

function stopped(): ErrataError {
  return new ErrataError('E_SOURCE_STOPPED', 'the source is stopped before Kafka has acknowledged');
}
