/**
 * Keeps a topology's workers running: one Piscina pool, one long run per worker.
 *
 * 1. A worker that dies is started again with backoff, and the group is told that its member is gone, so that others
 *    take over at once. More deaths than the budget allows within its period fail the topology.
 * 2. A worker from which nothing was heard for the plan's `watchdog_ms` is stuck: its thread is ended. Silence is counted in
 *    looks and not in time, so that a process that was stopped and continued suspects nobody.
 * 3. Where a thread failed, got stuck or ran out of memory, the records that it had in hand become suspect. A thread that was
 *    ended from outside says nothing about its records.
 * 4. Without Kafka a worker waits, and that is no death.
 * 5. Piscina replaces no thread that ends while it still starts, and whoever waits for that one would wait for ever: such a run is
 *    given up, and tried again like one that died.
 */
import { MessageChannel, type MessagePort, type Worker as Thread } from 'node:worker_threads';
import type { Logger } from 'pino';
import { Piscina } from 'piscina';
import { ErrataError, errorMessage } from '../messages/errata_error.ts';
import type { Told } from './emissions.ts';
import { type Held, InHand } from './in_hand.ts';
import { isFatal } from './kafka_errors.ts';
import { RESTARTS, RestartBudget, type RestartLimits } from './restart_budget.ts';
import type { RunJob } from './stage_logic.ts';
import { Suspects } from './suspects.ts';
import type { TaskStatus } from './task.ts';
import type { FromWorker, ToWorker, WorkerEnd, WorkerInit } from './worker_protocol.ts';

/** Looks of the watchdog in its period. */
const WATCHDOG_LOOKS = 4;
/**
 * What a task holds until its next commit should not have to be moved among what lives long: with V8's own 48 MB the join
 * took a tenth more CPU time, most of it for collecting garbage.
 */
const YOUNG_GENERATION_MB = 192;
/** How long a worker that found no Kafka is left alone. */
const KAFKA_AWAY_BACKOFF_MS = 1_000;

/** What starting again does not mend. */
const FATAL: ReadonlySet<string> = new Set([
  'E_ACTOR_KIND',
  'E_KAFKA_DENIED',
  'E_LOG_TRUNCATED',
  'E_MEMBER_VERSION',
  'E_PARTITIONS_CHANGED',
  'E_PLAN',
  'E_RECORD_FORMAT',
  'E_STATE_TOO_LARGE',
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
type CommonInit = Omit<WorkerInit, 'worker' | 'paused_sources' | 'suspicions' | 'in_hand'>;

/** For tests, which have neither minutes nor workers that die by themselves. */
export interface Supervision {
  restarts: RestartLimits;
  /** Module whose default export runs a worker. */
  worker_url: URL;
}

const SUPERVISION: Supervision = { restarts: RESTARTS, worker_url: new URL('./worker.ts', import.meta.url) };

/** How a run ended otherwise than told. */
interface Death {
  code: string | null;
  message: string;
  hint?: string | undefined;
  stack?: string | undefined;
  /** It may have been for the records in hand. */
  of_itself: boolean;
  /** The thread was ended by what it ran, and did not say so itself: then it may have been for what is being written, too. */
  is_sudden?: boolean;
}

export interface SupervisorPorts {
  runJob: RunJob;
  /** Takes a dead worker's member out of the group. */
  leaveGroup(member_id: string): Promise<void>;
  onEmissions(told: Told): void;
  onFailed(error: ErrataError): void;
}

interface Worker {
  name: string;
  phase: WorkerStatus['phase'];
  port: MessagePort | null;
  member_id: string | null;
  tasks: TaskStatus[];
  thread_id: number | null;
  /** Gives up the run that is under way. */
  run: AbortController | null;
  in_hand: SharedArrayBuffer;
  /** Looks since it was last heard of. */
  silent_looks: number;
  is_stuck: boolean;
  budget: RestartBudget;
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
  readonly #suspects: Suspects;
  #watching: NodeJS.Timeout | undefined;

  constructor(
    init: CommonInit,
    ports: SupervisorPorts,
    log: Logger,
    { restarts, worker_url }: Supervision = SUPERVISION,
  ) {
    this.#init = init;
    this.#ports = ports;
    this.#log = log;
    this.#suspects = new Suspects(log);
    const heap_mb = init.plan.worker_heap_mb;
    const count = init.plan.workers;
    this.#pool = new Piscina({
      filename: worker_url.href,
      resourceLimits: {
        maxYoungGenerationSizeMb: YOUNG_GENERATION_MB,
        ...(heap_mb === undefined ? {} : { maxOldGenerationSizeMb: heap_mb }),
      },
      minThreads: count,
      maxThreads: count,
      // Piscina's waiting by Atomics would freeze the sockets of a worker.
      atomics: 'disabled',
    });
    // Later: a thread that was ready is replaced right after this is told.
    this.#pool.on('workerDestroy', () => setImmediate(() => this.#giveUpLost()));
    this.#workers = Array.from({ length: count }, (_, index) => ({
      name: `${init.plan.topology}-${index}`,
      phase: 'starting',
      port: null,
      member_id: null,
      tasks: [],
      thread_id: null,
      run: null,
      in_hand: InHand.memory(),
      silent_looks: 0,
      is_stuck: false,
      budget: new RestartBudget(restarts),
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
    const { watchdog_ms } = this.#init.plan;
    this.#watching = setInterval(() => this.#look(), watchdog_ms / WATCHDOG_LOOKS);
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
    clearInterval(this.#watching);
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
    while (!this.#stop.signal.aborted) {
      const started_ms = Date.now();
      const end = await this.#runOnce(worker);
      if (end.type === 'stopped' || this.#stop.signal.aborted) break;
      worker.phase = 'restarting';
      worker.last_error = end.message;
      worker.tasks = [];
      const backoff_ms =
        end.type === 'kafka_away'
          ? this.#onKafkaAway(worker, end.message)
          : await this.#onDeath(worker, end.death, Date.now() - started_ms);
      await pause(backoff_ms, this.#stop.signal);
      worker.restarts += 1;
    }
    worker.phase = 'stopped';
  }

  async #runOnce(
    worker: Worker,
  ): Promise<Exclude<WorkerEnd, { type: 'failed' }> | { type: 'died'; message: string; death: Death }> {
    const { port1, port2 } = new MessageChannel();
    worker.port = port1;
    worker.member_id = null;
    worker.thread_id = null;
    worker.is_stuck = false;
    worker.in_hand = InHand.memory();
    port1.on('message', (message: FromWorker) => this.#onMessage(worker, port1, message));
    const init: WorkerInit = {
      ...this.#init,
      worker: worker.name,
      paused_sources: [...this.#paused],
      suspicions: this.#suspects.all(),
      in_hand: worker.in_hand,
    };
    const run = new AbortController();
    worker.run = run;
    try {
      const end: WorkerEnd = await this.#pool.run(
        { init, port: port2 },
        { transferList: [port2], signal: run.signal },
      );
      if (end.type !== 'failed') return end;
      return { type: 'died', message: end.message, death: { ...end, of_itself: true } };
    } catch (error) {
      const death = this.#deathOf(worker, error);
      return { type: 'died', message: death.message, death };
    } finally {
      worker.port = null;
      worker.run = null;
      worker.thread_id = null;
      port1.close();
    }
  }

  /** More runs are under way than there are threads: those that were not heard of wait for a thread that is gone. */
  #giveUpLost(): void {
    const running = this.#workers.filter(({ run }) => run !== null);
    if (this.#pool.threads.length >= running.length) return;
    for (const { run, thread_id } of running) if (thread_id === null) run!.abort();
  }

  #deathOf(worker: Worker, error: unknown): Death {
    if (worker.run?.signal.aborted)
      return { code: null, message: 'its thread ended while it started', of_itself: false };
    if (worker.is_stuck) {
      const message = `stuck: nothing was heard of it for ${this.#init.plan.watchdog_ms / 1000} s`;
      return { code: 'E_WORKER_STUCK', message, of_itself: true, is_sudden: true };
    }
    const message = errorMessage(error);
    const stack = error instanceof Error ? error.stack : undefined;
    const is_memory = (error as { code?: unknown } | null)?.code === 'ERR_WORKER_OUT_OF_MEMORY';
    if (is_memory)
      return {
        ...{ code: 'E_WORKER_MEMORY', message: `out of memory: ${message}` },
        ...{ of_itself: true, is_sudden: true },
      };
    return { code: null, message, stack, of_itself: !EXITED.test(message), is_sudden: true };
  }

  #onKafkaAway(worker: Worker, reason: string): number {
    this.#log.warn({ worker: worker.name, error: reason }, 'worker waits for Kafka');
    return KAFKA_AWAY_BACKOFF_MS;
  }

  /** How long to wait until it is started again. */
  async #onDeath(worker: Worker, death: Death, ran_ms: number): Promise<number> {
    const { name: worker_name, member_id } = worker;
    this.#log.error(
      { worker: worker_name, code: death.code, error: death.message, stack: death.stack },
      'worker died, starting it again',
    );
    const { code, message, hint } = death;
    if (code !== null && (FATAL.has(code) || isFatal(code)))
      this.fail(new ErrataError(code, message, hint === undefined ? {} : { hint }));
    else if (!this.#explains(worker, death)) {
      const exceeded = worker.budget.spend(Date.now());
      if (exceeded !== null) this.fail(budgetExceeded(worker, exceeded));
    }
    if (member_id !== null) await this.#leaveFor(member_id);
    return worker.budget.backoff(ran_ms);
  }

  /**
   * True if the record that killed it is found, and will not do it again. Memory may have run out for another reason
   * than the record in hand, so those deaths count nevertheless: the budget bounds what is dead-lettered by mistake.
   */
  #explains(worker: Worker, death: Death): boolean {
    const suspicions = this.#heldAt(worker, death).map((held) => {
      const suspicion = this.#suspects.add(held, death);
      // Before its member leaves the group, so that whoever gets the task knows.
      for (const other of this.#workers) tell(other, { type: 'suspicion', task: held.task, suspicion });
      return suspicion;
    });
    return suspicions.some(({ type }) => type === 'found') && death.code !== 'E_WORKER_MEMORY';
  }

  /** Whoever was at work; if nobody was, each write that was under way. */
  #heldAt({ in_hand }: Worker, { of_itself, is_sudden }: Death): Held[] {
    if (!of_itself) return [];
    const { plan } = this.#init;
    const memory = new InHand(in_hand);
    const at_work = memory.read(plan);
    if (at_work) return [at_work];
    const under_way = is_sudden ? memory.readUnderWay(plan) : [];
    // Which of several it was is not known.
    return under_way.map((held) => ({ ...held, is_one: held.is_one && under_way.length === 1 }));
  }

  async #leaveFor(member_id: string): Promise<void> {
    await this.#ports.leaveGroup(member_id).catch((cause) => {
      this.#log.warn(
        { error: errorMessage(cause) },
        'the group could not be told; the session will time out',
      );
    });
  }

  #look(): void {
    for (const worker of this.#workers) {
      if (worker.thread_id === null) continue;
      worker.silent_looks += 1;
      if (worker.silent_looks <= WATCHDOG_LOOKS) continue;
      worker.is_stuck = true;
      void this.#pool.threads.find(({ threadId }) => threadId === worker.thread_id)?.terminate();
    }
  }

  #onMessage(worker: Worker, port: MessagePort, message: FromWorker): void {
    worker.silent_looks = 0;
    switch (message.type) {
      case 'joined':
        worker.member_id = message.member_id;
        worker.phase = 'running';
        return;
      case 'status':
        worker.thread_id = message.thread_id;
        worker.tasks = message.tasks;
        return;
      case 'cleared':
        this.#suspects.clear(message.task);
        return;
      case 'emissions':
        this.#ports.onEmissions(message.told);
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

function budgetExceeded({ name, last_error }: Worker, exceeded: string): ErrataError {
  return new ErrataError('E_RESTART_BUDGET', `worker ${name} ${exceeded}, last: ${last_error}`, {
    hint: 'see the log for the stack of each; the topology is stopped, others go on',
  });
}

/** What Piscina says of a thread that was ended. */
const EXITED = /^worker exited with code/;

function pause(time_ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, time_ms);
    signal.addEventListener('abort', () => {
      clearTimeout(timer);
      resolve();
    });
  });
}
