/**
 * A topology of this process, from the wait for Kafka to the end. What goes wrong with it stays with it: it says so
 * when asked whether it is ready, and others go on.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from 'pino';
import type { TopologyPort, TopologyStatus } from '../../admin/topology_port.ts';
import type { Emission } from '../../engine/emissions.ts';
import type { LedgerEntries } from '../../engine/ledger.ts';
import type { Plan } from '../../engine/plan.ts';
import { Processor, type ProcessorOptions } from '../../engine/processor.ts';
import { checkSource } from '../../engine/sources.ts';
import { ErrataError, errorMessage } from '../../messages/errata_error.ts';
import { whyUnreachable } from './reachable.ts';

const BACKOFF_MS = { first: 250, most: 5_000 };

export class HostedTopology implements TopologyPort {
  readonly plan: Plan;
  readonly #options: ProcessorOptions;
  readonly #log: Logger;
  readonly #paused = new Set<string>();
  readonly #stopping = new AbortController();
  #processor: Processor | null = null;
  /** Why there is no processor. */
  #reason = 'it is starting';

  constructor(plan: Plan, options: ProcessorOptions) {
    this.plan = plan;
    this.#options = options;
    this.#log = options.log.child({ topology: plan.topology });
  }

  /** Begins to start it; whether it has is for `status` to say. */
  start(): void {
    this.#start().catch((error) => {
      const failure = error instanceof ErrataError ? error.toString() : errorMessage(error);
      this.#reason = failure;
      this.#log.error({ err: error }, 'the topology cannot start');
    });
  }

  /** Commits and leaves the group. Where nothing has started yet, nothing is waited for. */
  async stop(): Promise<void> {
    this.#reason = 'it is stopping';
    this.#stopping.abort();
    await this.#processor?.stop();
  }

  status(): TopologyStatus {
    const status = this.#processor?.status() ?? {
      topology: this.plan.topology,
      process_id: null,
      not_ready: this.#reason,
      paused_sources: [...this.#paused],
      workers: [],
      told: {},
      sources: [],
    };
    return this.#stopping.signal.aborted ? { ...status, not_ready: this.#reason } : status;
  }

  ledger(): LedgerEntries {
    return this.#processor?.ledger() ?? {};
  }

  recent(message: Emission['message']): object[] {
    return this.#processor?.recent(message) ?? [];
  }

  pause(source: string): void {
    checkSource(this.plan, source);
    this.#paused.add(source);
    this.#processor?.pause(source);
  }

  resume(source: string): void {
    checkSource(this.plan, source);
    this.#paused.delete(source);
    this.#processor?.resume(source);
  }

  /** Waits for Kafka as long as it takes. Throws what waiting does not mend. */
  async #start(): Promise<void> {
    const { signal } = this.#stopping;
    for (let backoff_ms = BACKOFF_MS.first; ; backoff_ms = Math.min(backoff_ms * 2, BACKOFF_MS.most)) {
      const why_not = await this.#attempt();
      if (why_not === null || signal.aborted) return;
      this.#waits(why_not);
      await delay(backoff_ms, undefined, { signal }).catch(() => undefined);
      if (signal.aborted) return;
    }
  }

  /** Null once it runs; otherwise what it waits for. */
  async #attempt(): Promise<string | null> {
    const unreachable = await whyUnreachable(this.#options.kafka.brokers);
    if (unreachable !== null) return unreachable;
    let processor: Processor;
    try {
      processor = await Processor.start(this.plan, this.#options);
    } catch (error) {
      if (isKafkaTrouble(error)) return errorMessage(error);
      throw error;
    }
    if (this.#stopping.signal.aborted) await processor.stop();
    else this.#adopt(processor);
    return null;
  }

  #adopt(processor: Processor): void {
    for (const source of this.#paused) processor.pause(source);
    this.#processor = processor;
    this.#log.info({ group_id: this.plan.group_id }, 'the topology runs');
  }

  #waits(why_not: string): void {
    const brokers = this.#options.kafka.brokers.join(', ');
    const reason = `it waits for Kafka at ${brokers}: ${why_not}`;
    if (reason !== this.#reason) this.#log.warn(reason);
    this.#reason = reason;
  }
}

/** Kafka is not there, or not yet what it will be; topics that it refuses to make now it may take later. */
function isKafkaTrouble(error: unknown): boolean {
  if (error instanceof ErrataError) return error.code === 'E_TOPIC_MISSING';
  return error instanceof Error && error.name.startsWith('KafkaJS');
}
