/** Topologies without Kafka, for the tests of the admin API. */
import type { TestContext } from 'node:test';
import pino from 'pino';
import type { Emission } from '../engine/emissions.ts';
import type { LedgerEntries } from '../engine/ledger.ts';
import type { Plan } from '../engine/plan.ts';
import type { ProcessorStatus } from '../engine/processor.ts';
import { whyNotReady } from '../engine/readiness.ts';
import type { RestoreProgress } from '../engine/restore.ts';
import { checkSource } from '../engine/sources.ts';
import type { WorkerStatus } from '../engine/supervisor.ts';
import type { TaskStatus } from '../engine/task.ts';
import { loadTopology } from '../topology/load.ts';
import { type AdminApp, createAdmin } from './server.ts';
import type { TopologyPort } from './topology_port.ts';

export const WATERMARK_MS = Date.UTC(2026, 4, 6, 7, 8, 9);
/** All of it: what was on disk, and what the changelog had behind that. */
export const RESTORED: RestoreProgress = {
  from_offset: 100,
  next_offset: 900,
  end_offset: 900,
  records: 800,
  records_per_s: 4_000,
};

/** The standard topology; what it has done can be set. */
export class FakeTopology implements TopologyPort {
  readonly plan: Plan;
  not_ready: string | null = null;
  entries: LedgerEntries = {};
  emissions: Emission[] = [];
  readonly paused = new Set<string>();
  #sources: ProcessorStatus['sources'] = [];
  #sink_tasks: TaskStatus[] = [];
  #restoring: RestoreProgress | null = null;

  constructor() {
    const { plan } = loadTopology('config/topologies/feedback.yaml', {});
    this.plan = plan!;
  }

  status(): ProcessorStatus {
    const workers: WorkerStatus[] = [
      { worker: 'feedback-0', phase: 'running', restarts: 2, last_error: 'gone', tasks: [this.#task(1)] },
      {
        worker: 'feedback-1',
        phase: 'running',
        restarts: 0,
        last_error: null,
        tasks: [this.#task(0), ...this.#sink_tasks],
      },
    ];
    return {
      topology: this.plan.topology,
      process_id: 'process-1',
      not_ready: this.not_ready ?? whyNotReady(workers, this.#sources),
      sources: this.#sources,
      told: { window: 4, alert: 1 },
      paused_sources: [...this.paused],
      workers,
    };
  }

  /** As if task 1 of the first stage had its state only so far. */
  restoring(progress: RestoreProgress): void {
    this.#restoring = progress;
  }

  /** As if it had a source that is away, and a sink that waits for the other side. */
  connect(): void {
    const input = this.plan.stages[0]!.inputs[0]!;
    this.plan.stages.push({
      name: 'hook.out',
      kind: 'sink',
      inputs: [input],
      actors: [],
      sink: { name: 'hook', kind: 'webhook', config: {}, message: 'alert' as const },
    });
    const counts = { records: 12, dead_letters: 1, failures: 4, restarts: 1 };
    const reason = 'it is away';
    const lag = { messages: 5, oldest_ms: Date.now() - 60_000 };
    this.#sources = [{ source: 'clicks', kind: 'pubsub', phase: 'failing', reason, lag, ...counts }];
    this.#sink_tasks = [
      {
        ...this.#task(0),
        task: 'hook.out/0',
        phase: 'waiting',
        reason: 'webhook: it answers 503',
        failures: 5,
        ledger: { 'hook.out': { taken_in: 9, written: 7, dead_lettered: 2 } },
      },
    ];
  }

  ledger(): LedgerEntries {
    return this.entries;
  }

  recent(message: Emission['message']): object[] {
    return this.emissions.filter((emission) => emission.message === message).map(({ value }) => value);
  }

  pause(source: string): void {
    checkSource(this.plan, source);
    this.paused.add(source);
  }

  resume(source: string): void {
    checkSource(this.plan, source);
    this.paused.delete(source);
  }

  #task(partition: number): TaskStatus {
    const stage = this.plan.stages[0]!;
    const { topic } = stage.inputs[0]!;
    const restoring = partition === 1 ? this.#restoring : null;
    const input = { topic, partition, position: 7, end_offset: 10, lag: 3, idle: false, paused: false };
    return {
      task: `${stage.name}/${partition}`,
      phase: restoring ? 'restoring' : 'running',
      reason: null,
      inputs: [{ ...input, watermark_ms: Number.POSITIVE_INFINITY }],
      watermark_ms: partition === 0 ? WATERMARK_MS : null,
      state_entries: 12,
      restore: restoring ?? RESTORED,
      failures: 0,
      ledger: {},
    };
  }
}

export const silent = pino({ level: 'silent' });

export async function admin(t: TestContext, token: string | null = null) {
  const topology = new FakeTopology();
  const app = await createAdmin({ topologies: new Map([['feedback', topology]]), token, log: silent });
  t.after(() => app.close());
  return { topology, app };
}

export async function ask(app: AdminApp, url: string, headers: Record<string, string> = {}) {
  const method = /\/(pause|resume)$/.test(url) ? 'POST' : 'GET';
  const answer = await app.inject({ method, url, headers });
  return { status: answer.statusCode, type: answer.headers['content-type'], body: answer.json() };
}
