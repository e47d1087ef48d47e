/**
 * One client connection: cuts the stream into frames and answers them one after the other. While a request is being
 * handled the next ones wait in a bounded buffer, and the socket is paused when that is full.
 */
import type { Socket } from 'node:net';
import type { BrokerState } from './api.ts';
import { dispatch } from './dispatch.ts';

const LENGTH_BYTES = 4;
/** What may wait behind the request that is being handled. */
const READ_AHEAD_BYTES = 1024 * 1024;

/** What all connections hold together of requests that are not complete. */
export interface BufferBudget {
  used_bytes: number;
  readonly max_bytes: number;
}

export class Connection {
  readonly #socket: Socket;
  readonly #broker: BrokerState;
  readonly #budget: BufferBudget;
  readonly #closed = new AbortController();
  #chunks: Buffer[] = [];
  #buffered_bytes = 0;
  #is_busy = false;

  constructor(socket: Socket, broker: BrokerState, budget: BufferBudget) {
    this.#socket = socket;
    this.#broker = broker;
    this.#budget = budget;
    socket.setNoDelay(true);
    socket.setTimeout(broker.config.idle_timeout_ms, () => socket.destroy());
    socket.on('data', (chunk) => this.#receive(chunk));
    socket.on('error', () => socket.destroy());
    socket.on('close', () => this.#release());
  }

  close(): void {
    this.#socket.destroy();
  }

  #receive(chunk: Buffer): void {
    this.#chunks.push(chunk);
    this.#account(chunk.length);
    if (this.#budget.used_bytes > this.#budget.max_bytes) this.close();
    else if (this.#is_busy) this.#pauseWhenFull();
    else void this.#serve();
  }

  #pauseWhenFull(): void {
    if (this.#buffered_bytes > READ_AHEAD_BYTES) this.#socket.pause();
  }

  #account(bytes: number): void {
    this.#buffered_bytes += bytes;
    this.#budget.used_bytes += bytes;
  }

  #release(): void {
    this.#account(-this.#buffered_bytes);
    this.#chunks = [];
    this.#closed.abort();
  }

  /** Answers what is complete. Whatever a request throws ends the connection, never the broker. */
  async #serve(): Promise<void> {
    this.#is_busy = true;
    try {
      for (let frame = this.#nextFrame(); frame !== undefined; frame = this.#nextFrame()) {
        const client_host = `/${this.#socket.remoteAddress ?? ''}`;
        const response = await dispatch(frame, this.#broker, { client_host, closed: this.#closed.signal });
        if (this.#closed.signal.aborted) return;
        if (response !== undefined && !this.#socket.write(response)) await this.#drained();
      }
    } catch (thrown) {
      this.#broker.report(thrown);
      this.close();
    } finally {
      this.#is_busy = false;
      this.#socket.resume();
    }
  }

  /** Resolves when the client has taken what was written, or is gone. */
  async #drained(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const done = () => resolve();
    this.#socket.once('drain', done);
    this.#closed.signal.addEventListener('abort', done);
    await promise;
    this.#socket.removeListener('drain', done);
    this.#closed.signal.removeEventListener('abort', done);
  }

  #nextFrame(): Buffer | undefined {
    if (this.#buffered_bytes < LENGTH_BYTES) return undefined;
    if (this.#chunks[0]!.length < LENGTH_BYTES) this.#chunks = [Buffer.concat(this.#chunks)];
    const size_bytes = this.#chunks[0]!.readInt32BE(0);
    if (size_bytes < 0 || size_bytes > this.#broker.config.max_request_bytes) {
      this.close();
      return undefined;
    }
    const end = LENGTH_BYTES + size_bytes;
    if (this.#buffered_bytes < end) return undefined;
    const data = this.#chunks.length === 1 ? this.#chunks[0]! : Buffer.concat(this.#chunks);
    this.#chunks = data.length === end ? [] : [data.subarray(end)];
    this.#account(-end);
    return data.subarray(LENGTH_BYTES, end);
  }
}
