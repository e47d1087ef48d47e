/** Runs one topology in this process: topics, workers, training jobs, and what people ask about it. */
import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from 'pino';
import { entryOf } from '../messages/entry_of.ts';
import { ErrataError } from '../messages/errata_error.ts';
import { checkRights } from './check_rights.ts';
import { type Emission, LATEST_MAX, OF_INTEREST, type Told } from './emissions.ts';
import { type Admin, connectKafka, type KafkaClient, type KafkaSettings, leaveGroup } from './kafka.ts';
import { checkAccess } from './kafka_access.ts';
import { addLedgers, type LedgerEntries } from './ledger.ts';
import { watchPartitions } from './partition_watch.ts';
import { offsetsTopic, type Plan, type ResolvedPlan } from './plan.ts';
import { whyNotReady } from './readiness.ts';
import { SourceHost } from './source_host.ts';
import type { SourceStatus } from './source_runner.ts';
import { checkSource } from './sources.ts';
import type { RunJob } from './stage_logic.ts';
import { type Supervision, Supervisor, type WorkerStatus } from './supervisor.ts';
import { ensureTopics } from './topics.ts';

export interface ProcessorOptions {
  kafka: KafkaSettings;
  log: Logger;
  /** Runs training jobs; needed where the plan has any. */
  runJob?: (plan: ResolvedPlan) => RunJob;
  /** Address of the module of connectors (edge.ts); needed where the plan has any. */
  connectors?: string;
  /** Address of the admin API, told to the group. */
  admin?: string;
  supervision?: Supervision;
}

export interface ProcessorStatus {
  topology: string;
  process_id: string;
  /** Why it is not ready, null if it is. */
  not_ready: string | null;
  paused_sources: string[];
  workers: WorkerStatus[];
  /** How many of each kind of message were told of since the process began. */
  told: Record<string, number>;
  /** Connectors that bring records in. */
  sources: SourceStatus[];
}

const SETTLED_POLL_MS = 20;

export class Processor {
  readonly plan: ResolvedPlan;
  readonly process_id: string;
  readonly #kafka: KafkaClient;
  readonly #admin: Admin;
  readonly #supervisor: Supervisor;
  readonly #sources: SourceHost;
  readonly #paused = new Set<string>();
  readonly #recent = new Map<Emission['message'], object[]>();
  readonly #listeners = new Set<(emission: Emission) => void>();
  readonly #told: Record<string, number> = Object.fromEntries(
    [...OF_INTEREST].map((message) => [message, 0]),
  );
  readonly #stopping = new AbortController();
  #failure: ErrataError | null = null;

  /** Makes missing topics and starts the workers. Throws what `checkAccess`, `checkRights` and `ensureTopics` throw. */
  static async start(plan: Plan, options: ProcessorOptions): Promise<Processor> {
    await checkAccess(options.kafka);
    const kafka = connectKafka(options.kafka, options.log);
    const admin = kafka.admin();
    await admin.connect();
    try {
      await checkRights(kafka, plan);
      const resolved = await ensureTopics(admin, plan);
      await checkRights(kafka, plan);
      return new Processor(resolved, kafka, admin, options);
    } catch (error) {
      await admin.disconnect();
      throw error;
    }
  }

  private constructor(plan: ResolvedPlan, kafka: KafkaClient, admin: Admin, options: ProcessorOptions) {
    this.plan = plan;
    this.process_id = randomUUID();
    this.#kafka = kafka;
    this.#admin = admin;
    const { log } = options;
    this.#supervisor = new Supervisor(
      {
        plan,
        kafka: options.kafka,
        process_id: this.process_id,
        admin: options.admin ?? null,
        log_level: log.level,
        connectors: options.connectors ?? null,
      },
      {
        runJob: options.runJob?.(plan) ?? noTraining,
        leaveGroup: (member_id) => leaveGroup(this.#kafka, plan.group_id, member_id),
        onEmissions: (told) => this.#onEmissions(told),
        onFailed: (error) => {
          this.#failure = error;
          log.error({ code: error.code, topology: plan.topology }, error.toString());
        },
      },
      log,
      options.supervision,
    );
    this.#sources = new SourceHost(
      {
        plan,
        kafka: options.kafka,
        process_id: this.process_id,
        connectors: connectorsOf(options, plan),
        log_level: log.level,
      },
      log,
    );
    this.#supervisor.start();
    this.#sources.start();
    watchPartitions(admin, plan, (error) => this.#supervisor.fail(error), log, this.#stopping.signal);
  }

  /** For tests that end one. */
  get threads(): Supervisor['threads'] {
    return this.#supervisor.threads;
  }

  status(): ProcessorStatus {
    const workers = this.#supervisor.status();
    const sources = this.#sources.status();
    return {
      topology: this.plan.topology,
      process_id: this.process_id,
      not_ready: this.#failure?.toString() ?? whyNotReady(workers, sources),
      paused_sources: [...this.#paused],
      workers,
      told: { ...this.#told },
      sources,
    };
  }

  /** Of the tasks that run in this process; other processes of the group have theirs. */
  ledger(): LedgerEntries {
    return addLedgers(this.#supervisor.status().flatMap(({ tasks }) => tasks.map(({ ledger }) => ledger)));
  }

  recent(message: Emission['message']): object[] {
    return [...(this.#recent.get(message) ?? [])];
  }

  /** Of each commit the latest of each message (emissions.ts). */
  onEmission(listener: (emission: Emission) => void): void {
    this.#listeners.add(listener);
  }

  /** Throws E_UNKNOWN_SOURCE. Processing of what is in memory stops too; the position stays. */
  pause(source: string): void {
    checkSource(this.plan, source);
    this.#paused.add(source);
    this.#supervisor.setPaused(this.#paused);
    this.#sources.setPaused(this.#paused);
  }

  resume(source: string): void {
    checkSource(this.plan, source);
    this.#paused.delete(source);
    this.#supervisor.setPaused(this.#paused);
    this.#sources.setPaused(this.#paused);
  }

  /**
   * Resolves once everything that is in the log now has been processed by the whole group, stage by stage, training
   * included.
   */
  async settled(timeout_ms = 120_000): Promise<void> {
    const deadline_ms = Date.now() + timeout_ms;
    while (!(await isSettled(this.#admin, this.plan))) {
      if (this.#failure) throw this.#failure;
      if (Date.now() > deadline_ms) {
        throw new ErrataError(
          'E_NOT_SETTLED',
          `${this.plan.topology} did not settle within ${timeout_ms / 1000} s`,
          {
            hint: 'its status tells which task waits, and for what',
          },
        );
      }
      await delay(SETTLED_POLL_MS);
    }
  }

  /** Commits what is processed, leaves the group, ends the workers. No window closes early. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#sources.stop();
    await this.#supervisor.stop();
    await this.#admin.disconnect();
  }

  #onEmissions({ counts, latest }: Told): void {
    for (const [message, count] of Object.entries(counts))
      this.#told[message] = (this.#told[message] ?? 0) + count;
    for (const emission of latest) {
      const kept = entryOf(this.#recent, emission.message, () => []);
      if (kept.push(emission.value) > LATEST_MAX) kept.shift();
      for (const listener of this.#listeners) listener(emission);
    }
  }
}

/**
 * Whether everything that is in the log has been processed. Outputs are in the log before input offsets are committed,
 * so: where the offsets that were read first equal the ends that were read after, nothing was under way in between.
 */
export async function isSettled(admin: Admin, plan: Plan): Promise<boolean> {
  const inputs = plan.stages.flatMap((stage) => stage.inputs);
  const committed = await admin.fetchOffsets({ groupId: plan.group_id, topics: inputs.map(offsetsTopic) });
  const ends = await Promise.all(inputs.map(({ topic }) => admin.fetchTopicOffsets(topic)));
  return inputs.every((input, index) => {
    const of = committed.find((one) => one.topic === offsetsTopic(input))?.partitions ?? [];
    return ends[index]!.every(({ partition, high, low }) => {
      const offset = of.find((one) => one.partition === partition)?.offset ?? '-1';
      return offset === high || (offset === '-1' && high === low);
    });
  });
}

/** Throws E_PLAN where the plan has sources and the process no connectors. */
function connectorsOf({ connectors }: ProcessorOptions, { sources }: Plan): string {
  if (connectors !== undefined || sources === undefined) return connectors ?? '';
  throw new ErrataError('E_PLAN', 'the plan has sources, and this process was started without connectors');
}

const noTraining: RunJob = () =>
  Promise.reject(new ErrataError('E_NO_TRAINING', 'this process was started without training'));
