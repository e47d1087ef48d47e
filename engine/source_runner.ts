/**
 * Keeps one source running: starts its connector, stops it where it fails, and starts it again after a while. It is never given
 * up: whatever is wrong on the other side may be mended there. Meanwhile it says why.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from 'pino';
import { ErrataError, errorMessage } from '../messages/errata_error.ts';
import type { IncomingRecord, RunningSource, SourceLag, SourcePorts } from './edge.ts';
import { RESTARTS, RestartBudget } from './restart_budget.ts';

export interface SourceStatus {
  source: string;
  kind: string;
  phase: 'starting' | 'running' | 'failing' | 'stopped';
  /** Why nothing comes in; null while all is well. */
  reason: string | null;
  restarts: number;
  /** Null where it does not run, or has none. */
  lag: SourceLag | null;
  /** Acknowledged by Kafka since the process began. */
  records: number;
  dead_letters: number;
  failures: number;
}

export interface RunnerPorts extends Omit<SourcePorts, 'fail'> {
  kind: string;
  start(ports: SourcePorts): Promise<RunningSource>;
  onChanged(): void;
}

/** How long a source may take to see off what is under way. */
const STOP_MAX_MS = 5_000;

export class SourceRunner {
  readonly #ports: RunnerPorts;
  readonly #log: Logger;
  readonly #stop = new AbortController();
  readonly #budget = new RestartBudget(RESTARTS);
  #running: RunningSource | null = null;
  #keeping: Promise<void> | undefined;
  #phase: SourceStatus['phase'] = 'starting';
  #reason: string | null = 'it is starting';
  #restarts = 0;
  #records = 0;
  #dead_letters = 0;
  #failures = 0;
  #resumed: PromiseWithResolvers<void> | null = null;

  constructor(ports: RunnerPorts) {
    this.#ports = ports;
    this.#log = ports.log;
  }

  start(): void {
    this.#keeping = this.#keepRunning();
  }

  /** Paused, it publishes nothing, which holds its connector back by itself. */
  setPaused(is_paused: boolean): void {
    if (is_paused) this.#resumed ??= Promise.withResolvers();
    else {
      this.#resumed?.resolve();
      this.#resumed = null;
    }
  }

  status(): SourceStatus {
    const { place, kind, blocked } = this.#ports;
    const health = this.#phase === 'running' ? (blocked() ?? this.#running?.health() ?? null) : this.#reason;
    return {
      source: place.name,
      kind,
      phase: this.#phase === 'running' && health !== null ? 'failing' : this.#phase,
      reason: health,
      restarts: this.#restarts,
      lag: this.#running?.lag() ?? null,
      records: this.#records,
      dead_letters: this.#dead_letters,
      failures: this.#failures,
    };
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    this.setPaused(false);
    await this.#keeping;
  }

  async #keepRunning(): Promise<void> {
    const { signal } = this.#stop;
    while (!signal.aborted) {
      const started_ms = Date.now();
      const error = await this.#runOnce();
      if (signal.aborted) break;
      this.#onFailure(error);
      const backoff_ms = this.#budget.backoff(Date.now() - started_ms);
      await delay(backoff_ms, undefined, { signal }).catch(() => undefined);
      this.#restarts += 1;
    }
    this.#become('stopped', 'it is stopped');
  }

  /** Resolves with what ended it. */
  async #runOnce(): Promise<unknown> {
    const { signal } = this.#stop;
    const failed = Promise.withResolvers<unknown>();
    const onAbort = () => failed.resolve(null);
    signal.addEventListener('abort', onAbort);
    try {
      this.#running = await this.#ports.start(this.#sourcePorts((error) => failed.resolve(error)));
      this.#become('running', null);
      return await failed.promise;
    } catch (error) {
      return error;
    } finally {
      signal.removeEventListener('abort', onAbort);
      await this.#end();
    }
  }

  async #end(): Promise<void> {
    const ending = this.#running;
    this.#running = null;
    if (!ending) return;
    const stopping = ending
      .stop()
      .catch((error) => this.#log.warn({ error: errorMessage(error) }, 'source not stopped in order'));
    await Promise.race([stopping, delay(STOP_MAX_MS, undefined, { ref: false })]);
  }

  #sourcePorts(fail: (error: Error) => void): SourcePorts {
    const { kind: _kind, start: _start, onChanged: _onChanged, ...ports } = this.#ports;
    return {
      ...ports,
      fail,
      publish: async (records) => {
        await this.#resumed?.promise;
        await ports.publish(records);
        this.#records += records.length;
      },
      deadLetter: async (record: IncomingRecord, reason) => {
        await ports.deadLetter(record, reason);
        this.#dead_letters += 1;
      },
    };
  }

  #onFailure(error: unknown): void {
    this.#failures += 1;
    const reason = error instanceof ErrataError ? error.toString() : errorMessage(error);
    const often = this.#budget.spend(Date.now());
    this.#log.error(
      { error: reason, stack: (error as Error | null)?.stack },
      'source failed, starting it again',
    );
    this.#become('failing', often === null ? reason : `it ${often}, last: ${reason}`);
  }

  #become(phase: SourceStatus['phase'], reason: string | null): void {
    this.#phase = phase;
    this.#reason = reason;
    this.#ports.onChanged();
  }
}
