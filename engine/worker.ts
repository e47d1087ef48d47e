/**
 * A worker thread: owns its group membership, and runs the tasks that the group gives it, for as long as the
 * process lives. Piscina runs the default export once per worker; it returns when told to stop, or when the worker
 * cannot go on.
 */

import { setTimeout as delay } from 'node:timers/promises';
import { type MessagePort, threadId } from 'node:worker_threads';
import type { Logger } from 'pino';
import { ErrataError, errorMessage } from '../messages/errata_error.ts';
import { splitTaskId, type TaskId } from './assignment.ts';
import { denialBehind } from './check_rights.ts';
import { committedOffsets, createCommitter, endOffset, type Place } from './create_committer.ts';
import { importConnectors } from './edge.ts';
import { InHand } from './in_hand.ts';
import { connectKafka, isKafkaAway } from './kafka.ts';
import { accessError } from './kafka_access.ts';
import { classOf, fatalError } from './kafka_errors.ts';
import { createLog } from './log.ts';
import { Membership, type StageTopics } from './membership.ts';
import { offsetsTopic, type ResolvedPlan } from './plan.ts';
import { Readers } from './readers.ts';
import type { RunJob } from './stage_logic.ts';
import type { Suspicion } from './suspicion.ts';
import { Task, type TaskPorts } from './task.ts';
import type { FromWorker, ToWorker, WorkerEnd, WorkerInit } from './worker_protocol.ts';

const STATUS_INTERVAL_MS = 500;
/** Both together well below the time in which a process has to stop. */
const COMMIT_MAX_MS = 8_000;
const LEAVE_MAX_MS = 3_000;
/** Both, where Kafka is away and nothing can be committed or left. */
const AWAY_MAX_MS = 1_000;

export default async function run({
  init,
  port,
}: {
  init: WorkerInit;
  port: MessagePort;
}): Promise<WorkerEnd> {
  const log = createLog(init.log_level).child({
    topology: init.plan.topology,
    worker: init.worker,
  });
  const host = new TaskHost(init, port, log);
  try {
    await host.run();
    return { type: 'stopped' };
  } catch (error) {
    const kafka = connectKafka(init.kafka, log);
    const refused = (await denialBehind(error, kafka, init.plan)) ?? accessError(error, init.kafka);
    // What is thrown loses its code on the way to another thread.
    const told = refused ?? (classOf(error) === 'fatal' ? fatalError(error) : error);
    if (isKafkaAway(told)) return { type: 'kafka_away', message: errorMessage(told) };
    const stack = told instanceof Error ? told.stack : undefined;
    if (!(told instanceof ErrataError))
      return { type: 'failed', code: null, message: errorMessage(told), stack };
    return { type: 'failed', code: told.code, message: told.message, hint: told.hint, stack };
  } finally {
    port.close();
  }
}

/** But for the reader, which depends on the stage. */
type AllTasksPorts = Omit<TaskPorts, 'reader'>;

class TaskHost {
  readonly #init: WorkerInit;
  readonly #port: MessagePort;
  readonly #log: Logger;
  readonly #tasks = new Map<TaskId, Task>();
  readonly #suspicions: Map<TaskId, Suspicion>;
  readonly #readers: Readers;
  readonly #jobs = new JobCalls((message) => this.#send(message));
  #paused: ReadonlySet<string>;
  /** Assignments are carried out one after the other. */
  #assigning: Promise<void> = Promise.resolve();
  /** What the group assigns while this worker ends is for the next generation to run. */
  #is_ending = false;
  #end!: (error?: Error) => void;
  readonly #ended: Promise<void>;

  constructor(init: WorkerInit, port: MessagePort, log: Logger) {
    this.#init = init;
    this.#port = port;
    this.#log = log;
    this.#readers = new Readers(init.kafka, log, (error) => this.#end(error));
    this.#paused = new Set(init.paused_sources);
    this.#suspicions = new Map(init.suspicions);
    this.#ended = new Promise((resolve, reject) => {
      this.#end = (error) => {
        this.#is_ending = true;
        if (error) reject(error);
        else resolve();
      };
    });
    // Whatever ends it before `run` waits is still seen there.
    this.#ended.catch(() => undefined);
  }

  async run(): Promise<void> {
    this.#port.on('message', (message: ToWorker) => this.#onMessage(message));
    const ticking = setInterval(() => this.#sendStatus(), STATUS_INTERVAL_MS);
    this.#sendStatus();
    try {
      await this.#host();
    } finally {
      clearInterval(ticking);
    }
  }

  async #host(): Promise<void> {
    const { plan, kafka: settings } = this.#init;
    const kafka = connectKafka(settings, this.#log);
    const admin = kafka.admin();
    const membership = new Membership(
      kafka,
      settings,
      {
        group_id: plan.group_id,
        stages: stageTopics(plan),
        process_id: this.#init.process_id,
        process_workers: plan.workers,
        admin: this.#init.admin,
        owned: () => [...this.#tasks.keys()],
        onAssigned: (tasks, member_id) => this.#onAssigned(tasks, member_id, ports),
        onLost: (error) => this.#end(error),
      },
      this.#log,
    );
    const committed = (inputs: Place[]) => committedOffsets(admin, plan.group_id, inputs);
    const committer = createCommitter(plan, { kafka, settings, membership, committed, log: this.#log });
    let ports: AllTasksPorts;
    let how: 'commit' | 'drop' = 'drop';
    try {
      await Promise.race([admin.connect(), this.#ended]);
      if (this.#is_ending) return;
      const { clusterId: cluster_id } = await admin.describeCluster();
      const connectors = await importConnectors(this.#init.connectors);
      const parts = {
        committer,
        cluster_id,
        connectors,
        committedOffsets: committed,
        endOffset: (topic: string, partition: number) => endOffset(admin, { topic, partition }),
      };
      ports = this.#taskPorts(parts, membership);
      await Promise.race([membership.start(), this.#ended]);
      await this.#ended;
      how = 'commit';
    } finally {
      const is_away = this.#tasks.size > 0 && this.#all().every((task) => task.status().phase !== 'running');
      await this.#stopTasks(how, is_away ? AWAY_MAX_MS : COMMIT_MAX_MS);
      this.#sendStatus();
      // Leaving is a courtesy: where Kafka does not answer, the session times out.
      await atMost(is_away ? AWAY_MAX_MS : LEAVE_MAX_MS, async () => {
        await membership.leave();
        await this.#readers.stop();
        await Promise.allSettled([admin.disconnect(), committer.close()]);
      });
    }
  }

  #taskPorts(
    parts: Pick<TaskPorts, 'committer' | 'cluster_id' | 'connectors' | 'committedOffsets' | 'endOffset'>,
    membership: Membership,
  ): AllTasksPorts {
    const ports: AllTasksPorts = {
      ...parts,
      runJob: this.#jobs.run,
      onEmissions: (told) => this.#send({ type: 'emissions', told }),
      onFailed: (task, error) => this.#onFailed(task, error, ports, membership),
      onCleared: (task) => this.#onCleared(task),
      in_hand: new InHand(this.#init.in_hand),
      now: Date.now,
    };
    return ports;
  }

  /** A last commit that does not get through is given up: what it holds is processed again. */
  async #stopTasks(how: 'commit' | 'drop', max_ms: number): Promise<void> {
    this.#is_ending = true;
    const are_stopped = await atMost(max_ms, async () => {
      await this.#assigning.catch(() => undefined);
      await Promise.all(this.#all().map((task) => task.stop(task.is_waiting ? 'drop' : how)));
    });
    if (!are_stopped) for (const task of this.#all()) void task.stop('drop');
  }

  #all(): Task[] {
    return [...this.#tasks.values()];
  }

  #onAssigned(tasks: TaskId[], member_id: string, ports: AllTasksPorts): void {
    const wanted = new Set(tasks);
    // At once: a commit that is under way must not go on in the new generation, which would accept it.
    for (const task of this.#tasks.values()) if (!wanted.has(task.id)) void task.stop('drop');
    if (this.#is_ending) return;
    this.#assigning = this.#assigning
      .then(() => this.#assign(wanted, member_id, ports))
      .catch((error) => this.#end(error));
  }

  async #assign(wanted: ReadonlySet<TaskId>, member_id: string, ports: AllTasksPorts): Promise<void> {
    const lost = [...this.#tasks.values()].filter((task) => !wanted.has(task.id));
    for (const task of lost) this.#tasks.delete(task.id);
    await Promise.all(lost.map((task) => task.stop('drop')));
    for (const id of wanted) {
      if (this.#is_ending) return;
      if (!this.#tasks.has(id)) this.#startTask(id, ports);
    }
    this.#log.info({ tasks: [...wanted] }, 'tasks assigned');
    // In this order: who runs and has no tasks yet would be taken for ready.
    this.#sendStatus();
    this.#send({ type: 'joined', member_id });
  }

  #startTask(id: TaskId, ports: AllTasksPorts): void {
    const { stage: name, partition } = splitTaskId(id);
    const stage = this.#init.plan.stages.find((one) => one.name === name);
    if (!stage) throw new ErrataError('E_PLAN', `the group assigned ${id}, which is not in this plan`);
    const suspicion = this.#suspicions.get(id) ?? null;
    const parts = { id, plan: this.#init.plan, stage, partition, paused: this.#paused, suspicion };
    const task = new Task(parts, { ...ports, reader: this.#readers.of(stage) }, this.#log);
    this.#tasks.set(id, task);
    task.start();
  }

  /**
   * A task that was fenced has been elsewhere in the meantime, and its state is stale: where the group still gives it
   * to this worker, it begins anew, once the group has been heard: a worker that does not know yet that it was put out would
   * fence whoever has the task now. Any other failure ends the worker, which the supervisor starts again.
   */
  #onFailed(id: TaskId, error: Error, ports: AllTasksPorts, membership: Membership): void {
    if (error instanceof ErrataError && error.code === 'E_TASK_DROPPED') return;
    if (!(error instanceof ErrataError && error.code === 'E_TASK_FENCED')) {
      this.#log.error({ task: id, error: error.message, stack: error.stack }, 'task failed');
      this.#end(error);
      return;
    }
    this.#log.warn({ task: id, error: error.message }, 'task begins anew');
    const failed = this.#tasks.get(id);
    void membership.heard().then(() => {
      this.#assigning = this.#assigning
        .then(() => this.#beginAnew(failed, ports))
        .catch((cause) => this.#end(cause));
    });
  }

  async #beginAnew(failed: Task | undefined, ports: AllTasksPorts): Promise<void> {
    if (!failed || this.#tasks.get(failed.id) !== failed) return;
    await failed.stop('drop');
    this.#tasks.delete(failed.id);
    if (!this.#is_ending) this.#startTask(failed.id, ports);
  }

  #onCleared(task: TaskId): void {
    this.#suspicions.delete(task);
    this.#send({ type: 'cleared', task });
  }

  #onMessage(message: ToWorker): void {
    switch (message.type) {
      case 'suspicion':
        this.#suspicions.set(message.task, message.suspicion);
        return;
      case 'stop':
        this.#end();
        return;
      case 'pause':
        this.#paused = new Set(message.sources);
        for (const task of this.#tasks.values()) task.setPaused(this.#paused);
        return;
      default:
        this.#jobs.settle(message);
    }
  }

  #sendStatus(): void {
    this.#send({
      type: 'status',
      thread_id: threadId,
      tasks: [...this.#tasks.values()].map((task) => task.status()),
    });
  }

  #send(message: FromWorker): void {
    this.#port.postMessage(message);
  }
}

/** Training runs in the supervisor's thread and pool; a task only waits for the answer. */
class JobCalls {
  readonly #send: (message: FromWorker) => void;
  readonly #open = new Map<number, PromiseWithResolvers<Awaited<ReturnType<RunJob>>>>();
  #last_id = 0;

  constructor(send: (message: FromWorker) => void) {
    this.#send = send;
  }

  readonly run: RunJob = (job) => {
    const call = Promise.withResolvers<Awaited<ReturnType<RunJob>>>();
    const id = ++this.#last_id;
    this.#open.set(id, call);
    this.#send({ type: 'run_job', id, job });
    return call.promise;
  };

  settle(message: Extract<ToWorker, { type: 'job_done' | 'job_failed' }>): void {
    const call = this.#open.get(message.id);
    this.#open.delete(message.id);
    if (message.type === 'job_done') call?.resolve(message.evaluation);
    else call?.reject(new ErrataError('E_TRAINING_FAILED', message.message));
  }
}

/** Waits for `work` no longer than that; false if it still goes on. */
async function atMost(time_ms: number, work: () => Promise<void>): Promise<boolean> {
  const waiting = new AbortController();
  const timeout = delay(time_ms, false, { signal: waiting.signal }).catch(() => false);
  try {
    return await Promise.race([work().then(() => true), timeout]);
  } finally {
    waiting.abort();
  }
}

function stageTopics(plan: ResolvedPlan): StageTopics[] {
  return plan.stages.map(({ name, inputs }) => ({
    stage: name,
    topics: inputs.map(offsetsTopic),
    partitions: plan.partitions[inputs[0]!.topic]!,
  }));
}
