/**
 * Keeps a topology's workers running: one Piscina pool, one long run per worker.
 *
 * A worker that dies is started again with backoff, and the group is told that its member is gone, so that others
 * take over at once. More deaths than the budget allows within its period fail the topology.
 */
import { MessageChannel, type MessagePort, type Worker as Thread } from 'node:worker_threads';
import type { Logger } from 'pino';
import { Piscina } from 'piscina';
import { ErrataError, errorMessage } from '../messages/errata_error.ts';
import type { Emission } from './actor_stage.ts';
import { isFatal } from './kafka_errors.ts';
import type { RunJob } from './stage_logic.ts';
import type { TaskStatus } from './task.ts';
import type { FromWorker, ToWorker, WorkerEnd, WorkerInit } from './worker_protocol.ts';

export const RESTARTS = { budget: 10, period_ms: 5 * 60_000, first_backoff_ms: 200, most_backoff_ms: 10_000 };

/** What starting again does not mend. */
const FATAL: ReadonlySet<string> = new Set([
  'E_ACTOR_KIND',
  'E_KAFKA_DENIED',
  'E_LOG_TRUNCATED',
  'E_MEMBER_VERSION',
  'E_PARTITIONS_CHANGED',
  'E_PLAN',
  'E_RECORD_FORMAT',
  'E_STATE_VERSION',
]);

export interface WorkerStatus {
  worker: string;
  phase: 'starting' | 'running' | 'restarting' | 'stopped';
  restarts: number;
  last_error: string | null;
  tasks: TaskStatus[];
}

/** What all workers are started with. */
type CommonInit = Omit<WorkerInit, 'worker' | 'paused_sources'>;

export interface SupervisorPorts {
  runJob: RunJob;
  /** Takes a dead worker's member out of the group. */
  leaveGroup(member_id: string): Promise<void>;
  onEmissions(emissions: Emission[]): void;
  onFailed(error: ErrataError): void;
}

interface Worker {
  name: string;
  phase: WorkerStatus['phase'];
  port: MessagePort | null;
  member_id: string | null;
  tasks: TaskStatus[];
  /** When it died, within the budget's period. */
  deaths_ms: number[];
  restarts: number;
  last_error: string | null;
}

export class Supervisor {
  readonly #init: CommonInit;
  readonly #ports: SupervisorPorts;
  readonly #log: Logger;
  readonly #pool: Piscina;
  readonly #workers: Worker[];
  #running: Promise<void>[] = [];
  #paused = new Set<string>();
  #stop = new AbortController();

  constructor(init: CommonInit, ports: SupervisorPorts, log: Logger) {
    this.#init = init;
    this.#ports = ports;
    this.#log = log;
    const count = init.plan.workers;
    this.#pool = new Piscina({
      filename: new URL('./worker.ts', import.meta.url).href,
      minThreads: count,
      maxThreads: count,
      // Piscina's waiting by Atomics would freeze the sockets of a worker.
      atomics: 'disabled',
    });
    this.#workers = Array.from({ length: count }, (_, index) => ({
      name: `${init.plan.topology}-${index}`,
      phase: 'starting',
      port: null,
      member_id: null,
      tasks: [],
      deaths_ms: [],
      restarts: 0,
      last_error: null,
    }));
  }

  /** For tests that end one. */
  get threads(): readonly Thread[] {
    return this.#pool.threads;
  }

  start(): void {
    this.#running = this.#workers.map((worker) => this.#keepRunning(worker));
  }

  status(): WorkerStatus[] {
    return this.#workers.map(({ name, phase, restarts, last_error, tasks }) => ({
      worker: name,
      phase,
      restarts,
      last_error,
      tasks,
    }));
  }

  setPaused(sources: ReadonlySet<string>): void {
    this.#paused = new Set(sources);
    for (const worker of this.#workers) tell(worker, { type: 'pause', sources: [...sources] });
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    for (const worker of this.#workers) tell(worker, { type: 'stop' });
    await Promise.all(this.#running);
    await this.#pool.destroy();
  }

  /** The topology cannot go on: all its workers stop, and say why. */
  fail(error: ErrataError): void {
    if (this.#stop.signal.aborted) return;
    this.#ports.onFailed(error);
    this.#stop.abort();
    for (const worker of this.#workers) tell(worker, { type: 'stop' });
  }

  async #keepRunning(worker: Worker): Promise<void> {
    let backoff_ms = RESTARTS.first_backoff_ms;
    while (!this.#stop.signal.aborted) {
      const started_ms = Date.now();
      const end = await this.#runOnce(worker);
      if (end.type === 'stopped' || this.#stop.signal.aborted) break;
      await this.#onDeath(worker, end.message);
      if (end.code !== null && (FATAL.has(end.code) || isFatal(end.code)))
        this.fail(new ErrataError(end.code, end.message, end.hint === undefined ? {} : { hint: end.hint }));
      else if (worker.deaths_ms.length > RESTARTS.budget) this.fail(budgetExceeded(worker));
      if (this.#stop.signal.aborted) break;
      if (Date.now() - started_ms > RESTARTS.most_backoff_ms) backoff_ms = RESTARTS.first_backoff_ms;
      await pause(backoff_ms, this.#stop.signal);
      backoff_ms = Math.min(backoff_ms * 2, RESTARTS.most_backoff_ms);
      worker.restarts += 1;
    }
    worker.phase = 'stopped';
  }

  async #runOnce(worker: Worker): Promise<WorkerEnd> {
    const { port1, port2 } = new MessageChannel();
    worker.port = port1;
    worker.member_id = null;
    port1.on('message', (message: FromWorker) => this.#onMessage(worker, port1, message));
    try {
      const init: WorkerInit = { ...this.#init, worker: worker.name, paused_sources: [...this.#paused] };
      return (await this.#pool.run({ init, port: port2 }, { transferList: [port2] })) as WorkerEnd;
    } catch (error) {
      return { type: 'failed', code: null, message: errorMessage(error) };
    } finally {
      worker.port = null;
      port1.close();
    }
  }

  async #onDeath(worker: Worker, reason: string): Promise<void> {
    const now_ms = Date.now();
    worker.phase = 'restarting';
    worker.last_error = reason;
    worker.tasks = [];
    worker.deaths_ms = [...worker.deaths_ms.filter((at_ms) => now_ms - at_ms < RESTARTS.period_ms), now_ms];
    this.#log.error({ worker: worker.name, error: worker.last_error }, 'worker died, starting it again');
    if (worker.member_id === null) return;
    await this.#ports.leaveGroup(worker.member_id).catch((cause) => {
      this.#log.warn(
        { error: errorMessage(cause) },
        'the group could not be told; the session will time out',
      );
    });
  }

  #onMessage(worker: Worker, port: MessagePort, message: FromWorker): void {
    switch (message.type) {
      case 'joined':
        worker.member_id = message.member_id;
        worker.phase = 'running';
        return;
      case 'status':
        worker.tasks = message.tasks;
        return;
      case 'emissions':
        this.#ports.onEmissions(message.emissions);
        return;
      case 'run_job':
        this.#ports.runJob(message.job).then(
          // To the run that asked: a later run of the worker counts its calls anew.
          (evaluation) => send(port, { type: 'job_done', id: message.id, evaluation }),
          (error) => send(port, { type: 'job_failed', id: message.id, message: errorMessage(error) }),
        );
    }
  }
}

function tell(worker: Worker, message: ToWorker): void {
  if (worker.port) send(worker.port, message);
}

function send(port: MessagePort, message: ToWorker): void {
  port.postMessage(message);
}

function budgetExceeded({ name, deaths_ms, last_error }: Worker): ErrataError {
  const minutes = RESTARTS.period_ms / 60_000;
  return new ErrataError(
    'E_RESTART_BUDGET',
    `worker ${name} died ${deaths_ms.length} times in ${minutes} minutes, last: ${last_error}`,
    { hint: 'see the log for the stack of each; the topology is stopped, others go on' },
  );
}

function pause(time_ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, time_ms);
    signal.addEventListener('abort', () => {
      clearTimeout(timer);
      resolve();
    });
  });
}
