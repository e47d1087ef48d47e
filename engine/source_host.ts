/**
 * The sources of a topology in this process: a thread for each kind of connector. A thread that ends by itself, or of which
 * nothing is heard, is started again with backoff, and the sources in it say why nothing comes in; others go on.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { Worker as Thread } from 'node:worker_threads';
import type { Logger } from 'pino';
import { errorMessage } from '../messages/errata_error.ts';
import type { SourcePlan } from './plan.ts';
import { RESTARTS, RestartBudget } from './restart_budget.ts';
import type { FromSourceThread, SourceThreadInit, ToSourceThread } from './source_protocol.ts';
import type { SourceStatus } from './source_runner.ts';

const THREAD_URL = new URL('./source_thread.ts', import.meta.url);
/** A connector has 5 s to see off what is under way. */
const STOP_MAX_MS = 8_000;

/** What all threads are started with. */
export type SourcesInit = Omit<SourceThreadInit, 'sources' | 'paused_sources'>;

export class SourceHost {
  readonly #threads: SourceThread[];

  constructor(init: SourcesInit, log: Logger) {
    const by_kind = Map.groupBy(init.plan.sources ?? [], ({ kind }) => kind);
    this.#threads = [...by_kind.values()].map((sources) => new SourceThread(init, sources, log));
  }

  start(): void {
    for (const thread of this.#threads) thread.start();
  }

  status(): SourceStatus[] {
    return this.#threads.flatMap((thread) => thread.status());
  }

  setPaused(sources: ReadonlySet<string>): void {
    for (const thread of this.#threads) thread.setPaused(sources);
  }

  async stop(): Promise<void> {
    await Promise.all(this.#threads.map((thread) => thread.stop()));
  }
}

class SourceThread {
  readonly #init: SourcesInit;
  readonly #sources: SourcePlan[];
  readonly #log: Logger;
  readonly #budget = new RestartBudget(RESTARTS);
  readonly #stop = new AbortController();
  #paused: string[] = [];
  #thread: Thread | null = null;
  #told: SourceStatus[];
  #restarts = 0;
  #keeping: Promise<void> | undefined;

  constructor(init: SourcesInit, sources: SourcePlan[], log: Logger) {
    this.#init = init;
    this.#sources = sources;
    this.#log = log.child({ sources: sources.map(({ name }) => name) });
    this.#told = sources.map(({ name, kind }) => ({
      source: name,
      kind,
      phase: 'starting',
      reason: 'it is starting',
      restarts: 0,
      lag: null,
      records: 0,
      dead_letters: 0,
      failures: 0,
    }));
  }

  start(): void {
    this.#keeping = this.#keepRunning();
  }

  status(): SourceStatus[] {
    return this.#told.map((one) => ({ ...one, restarts: one.restarts + this.#restarts }));
  }

  setPaused(sources: ReadonlySet<string>): void {
    this.#paused = [...sources];
    this.#tell({ type: 'pause', sources: this.#paused });
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    this.#tell({ type: 'stop' });
    const ending = setTimeout(() => void this.#thread?.terminate(), STOP_MAX_MS);
    await this.#keeping;
    clearTimeout(ending);
  }

  async #keepRunning(): Promise<void> {
    const { signal } = this.#stop;
    while (!signal.aborted) {
      const started_ms = Date.now();
      const reason = await this.#runOnce();
      if (signal.aborted) break;
      const often = this.#budget.spend(Date.now());
      this.#log.error({ error: reason }, 'thread of sources died, starting it again');
      this.#fail(often === null ? reason : `its thread ${often}, last: ${reason}`);
      const backoff_ms = this.#budget.backoff(Date.now() - started_ms);
      await delay(backoff_ms, undefined, { signal }).catch(() => undefined);
      this.#restarts += 1;
    }
  }

  /** Resolves with why it ended. */
  #runOnce(): Promise<string> {
    const workerData: SourceThreadInit = {
      ...this.#init,
      sources: this.#sources,
      paused_sources: this.#paused,
    };
    const thread = new Thread(THREAD_URL, { workerData });
    this.#thread = thread;
    const ended = Promise.withResolvers<string>();
    const watchdog_ms = this.#init.plan.watchdog_ms;
    let failure: string | null = null;
    const watching = setTimeout(() => {
      failure = `stuck: nothing was heard of it for ${watchdog_ms / 1000} s`;
      void thread.terminate();
    }, watchdog_ms);
    thread.on('message', (message: FromSourceThread) => {
      watching.refresh();
      this.#told = message.sources;
    });
    thread.on('error', (error) => {
      failure = errorMessage(error);
    });
    thread.on('exit', (code) => {
      clearTimeout(watching);
      this.#thread = null;
      ended.resolve(failure ?? `it exited with code ${code}`);
    });
    return ended.promise;
  }

  #fail(reason: string): void {
    this.#told = this.#told.map((one) => ({
      ...one,
      phase: 'failing',
      reason,
      lag: null,
      failures: one.failures + 1,
    }));
  }

  #tell(message: ToSourceThread): void {
    this.#thread?.postMessage(message);
  }
}
