/**
 * Hands exchanges to the thread that publishes them. `record` neither waits nor throws; what is not published yet is
 * bounded here, so that an outage of Kafka costs neither memory nor time: what comes then is dropped and counted.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import type { Logger } from 'pino';
import { errorMessage } from '../messages/errata_error.ts';
import type { PublishingSettings, Settled, ToThread } from './capture_thread.ts';
import { type Exchange, sizeOf } from './exchange.ts';

/** `captured` is `published + dropped + failed + buffered`. */
export interface CaptureStats {
  captured: number;
  published: number;
  dropped: number;
  failed: number;
  buffered: number;
  buffered_bytes: number;
  /** Why the last one was dropped or failed. */
  last_problem: string | undefined;
  /** Why the last attempt to reach Kafka failed; undefined once one has succeeded. */
  kafka_problem: string | undefined;
}

export interface CaptureBounds {
  max_buffered: number;
  max_buffered_bytes: number;
}

const RESTART_PAUSE_MS = 1_000;
/** For the thread: it is ended rather than the process. */
const MAX_HEAP_MB = 512;

export class Capture {
  readonly #settings: PublishingSettings;
  readonly #bounds: CaptureBounds;
  readonly #log: Logger;
  readonly #stats: CaptureStats = {
    captured: 0,
    published: 0,
    dropped: 0,
    failed: 0,
    buffered: 0,
    buffered_bytes: 0,
    last_problem: undefined,
    kafka_problem: undefined,
  };
  #thread: Worker | undefined;
  #ended: Promise<void> = Promise.resolve();
  #is_closing = false;

  constructor(settings: PublishingSettings, bounds: CaptureBounds, log: Logger) {
    this.#settings = settings;
    this.#bounds = bounds;
    this.#log = log;
    this.#start();
  }

  record(exchange: Exchange): void {
    const stats = this.#stats;
    stats.captured++;
    const size_bytes = sizeOf(exchange);
    const refusal = this.#refuse(size_bytes);
    if (refusal !== undefined || !this.#thread) {
      stats.dropped++;
      stats.last_problem = refusal ?? 'the publishing thread is being restarted';
      return;
    }
    stats.buffered++;
    stats.buffered_bytes += size_bytes;
    const bodies = [exchange.request.bytes, exchange.response.bytes].filter((bytes) => bytes !== undefined);
    const message: ToThread = { type: 'exchange', exchange };
    this.#thread.postMessage(
      message,
      bodies.map(({ buffer }) => buffer),
    );
  }

  stats(): CaptureStats {
    return { ...this.#stats };
  }

  /** Delivers what is there for as long as the publisher's `close_timeout_ms`; later exchanges are dropped. */
  async close(): Promise<CaptureStats> {
    this.#is_closing = true;
    this.#thread?.postMessage({ type: 'close' } satisfies ToThread);
    await this.#ended;
    return this.stats();
  }

  #refuse(size_bytes: number): string | undefined {
    if (this.#is_closing) return 'the proxy is stopping';
    const { buffered, buffered_bytes } = this.#stats;
    const { max_buffered, max_buffered_bytes } = this.#bounds;
    const is_full = buffered >= max_buffered || buffered_bytes + size_bytes > max_buffered_bytes;
    return is_full ? 'the buffer is full' : undefined;
  }

  #start(): void {
    const thread = new Worker(new URL('./capture_thread.ts', import.meta.url), {
      workerData: this.#settings,
      resourceLimits: { maxOldGenerationSizeMb: MAX_HEAP_MB },
    });
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#ended = promise;
    this.#thread = thread;
    let why = 'the publishing thread has ended';
    thread.on('message', (settled: Settled) => this.#settle(settled));
    thread.on('error', (error) => {
      why = `the publishing thread has ended: ${errorMessage(error)}`;
    });
    thread.once('exit', () => {
      this.#thread = undefined;
      this.#abandon(why);
      resolve();
      if (!this.#is_closing) void this.#restart(why);
    });
  }

  async #restart(why: string): Promise<void> {
    this.#log.error({ error: why }, 'publishing starts again');
    await delay(RESTART_PAUSE_MS, undefined, { ref: false });
    if (!this.#is_closing) this.#start();
  }

  #settle({ published, dropped, failed, size_bytes, problem, kafka_problem }: Settled): void {
    const stats = this.#stats;
    stats.published += published;
    stats.dropped += dropped;
    stats.failed += failed;
    stats.buffered -= published + dropped + failed;
    stats.buffered_bytes -= size_bytes;
    stats.last_problem = problem ?? stats.last_problem;
    stats.kafka_problem = kafka_problem;
  }

  /** Whatever was with the thread has failed; what it had published without saying so stands in Kafka all the same. */
  #abandon(why: string): void {
    const stats = this.#stats;
    if (stats.buffered > 0) stats.last_problem = why;
    stats.failed += stats.buffered;
    stats.buffered = 0;
    stats.buffered_bytes = 0;
  }
}
