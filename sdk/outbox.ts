/**
 * The bounded buffer of one kind of message. Drafts are written between the application's turns; what is written waits
 * to be taken in batches, in order; what is taken stays in the bounds until it is settled.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { errorMessage } from '../messages/errata_error.ts';
import type { Delivery } from './delivery.ts';
import type { Draft, Message } from './publisher.ts';

export interface OutboxBounds {
  /** Messages that may wait to be acknowledged. */
  max_buffered: number;
  max_buffered_bytes: number;
}

/** A message that is under way. */
export interface Entry {
  readonly number: number;
  /** By the monotonic clock. */
  readonly added_ms: number;
  size_bytes: number;
  readonly onSettled: (delivery: Delivery) => void;
}

export interface Written {
  entry: Entry;
  message: Message;
}

/** Writing drafts holds the application's thread no longer than this at a time. */
const WRITING_MS = 4;
const FULL: Delivery = { outcome: 'dropped', reason: 'the buffer is full' };
const CLOSED: Delivery = { outcome: 'dropped', reason: 'the publisher is closed' };

export class Outbox {
  readonly #bounds: OutboxBounds;
  readonly #onWritten: () => void;
  readonly #drafts: { entry: Entry; draft: Draft }[] = [];
  readonly #written: Written[] = [];
  /** All that is not settled yet, oldest first. */
  readonly #open = new Set<Entry>();
  #flushes: { up_to: number; resolve: () => void }[] = [];
  #added = 0;
  #open_bytes = 0;
  #is_writing = false;
  #is_closed = false;

  /** `onWritten`: there is a message to take. */
  constructor(bounds: OutboxBounds, onWritten: () => void = () => undefined) {
    this.#bounds = bounds;
    this.#onWritten = onWritten;
  }

  get open_count(): number {
    return this.#open.size;
  }

  get open_bytes(): number {
    return this.#open_bytes;
  }

  get written_count(): number {
    return this.#written.length;
  }

  /** Somebody waits for what is in here. */
  get is_urgent(): boolean {
    return this.#flushes.length > 0;
  }

  add(draft: Draft, onSettled: (delivery: Delivery) => void): void {
    const refusal = this.#refuse(draft.size_bytes);
    if (refusal) {
      onSettled(refusal);
      return;
    }
    const { size_bytes } = draft;
    const entry = { number: this.#added++, added_ms: performance.now(), size_bytes, onSettled };
    this.#open.add(entry);
    this.#open_bytes += size_bytes;
    try {
      draft.retain?.();
    } catch (thrown) {
      this.#fail(entry, thrown);
      return;
    }
    this.#drafts.push({ entry, draft });
    if (!this.#is_writing) void this.#write();
  }

  #refuse(size_bytes: number): Delivery | undefined {
    if (this.#is_closed) return CLOSED;
    const { max_buffered, max_buffered_bytes } = this.#bounds;
    const is_full = this.#open.size >= max_buffered || this.#open_bytes + size_bytes > max_buffered_bytes;
    return is_full ? FULL : undefined;
  }

  /** The oldest that are written, as many as fit: at least one, if there is any. */
  take(max_messages: number, max_bytes: number): Written[] {
    let count = 0;
    let bytes = 0;
    for (const { entry } of this.#written) {
      bytes += entry.size_bytes;
      if (count >= max_messages || (count > 0 && bytes > max_bytes)) break;
      count++;
    }
    return this.#written.splice(0, count);
  }

  /** The first word on a message counts; later ones are ignored. */
  settle(entry: Entry, delivery: Delivery): void {
    if (!this.#open.delete(entry)) return;
    this.#open_bytes -= entry.size_bytes;
    entry.onSettled(delivery);
    if (this.#flushes.length > 0) this.#resolveFlushes();
  }

  isOpen(entry: Entry): boolean {
    return this.#open.has(entry);
  }

  /** Resolves when all that was added before is settled. */
  flush(): Promise<void> {
    if (this.#open.size === 0) return Promise.resolve();
    return new Promise((resolve) => this.#flushes.push({ up_to: this.#added, resolve }));
  }

  /** From here on nothing is taken in. */
  close(): void {
    this.#is_closed = true;
  }

  /** Whatever is not settled has failed. */
  abandon(reason: string): void {
    for (const entry of [...this.#open]) this.settle(entry, { outcome: 'failed', reason });
    this.#drafts.length = 0;
    this.#written.length = 0;
  }

  #resolveFlushes(): void {
    const [oldest] = this.#open;
    const isDone = (up_to: number) => !oldest || oldest.number >= up_to;
    for (const { up_to, resolve } of this.#flushes) if (isDone(up_to)) resolve();
    this.#flushes = this.#flushes.filter(({ up_to }) => !isDone(up_to));
  }

  async #write(): Promise<void> {
    this.#is_writing = true;
    while (this.#drafts.length > 0) {
      await nextTurn();
      const until_ms = performance.now() + WRITING_MS;
      let taken = 0;
      while (taken < this.#drafts.length && performance.now() < until_ms) {
        const { entry, draft } = this.#drafts[taken++]!;
        this.#writeOne(entry, draft);
      }
      this.#drafts.splice(0, taken);
    }
    this.#is_writing = false;
  }

  /** What has to be waited for, like numbers that a graphics card holds, holds up nothing else. */
  #writeOne(entry: Entry, draft: Draft): void {
    try {
      const message = draft.write();
      if (message instanceof Promise) void this.#putWhenWritten(entry, message);
      else this.#put({ entry, message });
    } catch (thrown) {
      this.#fail(entry, thrown);
    }
  }

  async #putWhenWritten(entry: Entry, writing: Promise<Message>): Promise<void> {
    try {
      this.#put({ entry, message: await writing });
    } catch (thrown) {
      this.#fail(entry, thrown);
    }
  }

  #put(written: Written): void {
    const { entry, message } = written;
    if (!this.#open.has(entry)) return;
    this.#open_bytes += message.value.length - entry.size_bytes;
    entry.size_bytes = message.value.length;
    if (this.#open_bytes > this.#bounds.max_buffered_bytes) {
      // The guess was low.
      this.settle(entry, FULL);
      return;
    }
    this.#written.push(written);
    this.#onWritten();
  }

  #fail(entry: Entry, thrown: unknown): void {
    this.settle(entry, { outcome: 'failed', reason: errorMessage(thrown) });
  }
}
