/**
 * A task at the end of the log: hands batches of its topic to a connector, one at a time.
 *
 * 1. A batch is committed, with the connector's state and what was refused of it, before the next one is taken.
 * 2. Where a connector is done with a part of it only, the rest is given again after that commit.
 * 3. A batch that did not get through is given again from the same state, for as long as it takes. Meanwhile nothing else
 *    of the partition is taken, and the task says what it waits for.
 * 4. A record on which the connector ends the thread, also while it waits, is found as one is on which an actor does (suspicion.ts).
 */
import { setTimeout as delay } from 'node:timers/promises';
import { ErrataError, errorMessage } from '../messages/errata_error.ts';
import type { BatchLimits, ConnectorModule, OpenSink, Refusal, SinkContext, SinkRecord } from './edge.ts';
import { TAKEN_IN } from './ledger.ts';
import type { LogRecord } from './partition_reader.ts';
import type { InputPlan, SinkPlan } from './plan.ts';
import { formatOf, isOtherVersion, withoutFormat } from './record_format.ts';
import { describeFailure, setAside } from './set_aside.ts';
import { heartbeatTime } from './source_heartbeat.ts';
import type { StageLogic, StageLogicOptions } from './stage_logic.ts';
import type { TaskInput } from './task_input.ts';

const BACKOFF_MS = { first: 200, most: 30_000 };
/** After so many failures in succession the connector is opened anew. */
const REOPEN_AFTER = 3;
const CLOSE_MAX_MS = 3_000;

export class SinkStage implements StageLogic {
  readonly has_expired = false;
  wants_commit = false;
  failures = 0;
  readonly #options: StageLogicOptions;
  readonly #plan: SinkPlan;
  readonly #connectors: ConnectorModule;
  readonly #limits: BatchLimits;
  readonly #context: SinkContext;
  #opening: Promise<OpenSink> | undefined;
  #opened: OpenSink | undefined;
  #failed_in_succession = 0;
  /** How many of the records in hand the connector is done with. */
  #done = 0;
  /** Why the last attempt failed. */
  #trouble: string | null = null;

  constructor(options: StageLogicOptions) {
    const { stage, connectors, state } = options;
    if (!stage.sink || !connectors)
      throw new ErrataError('E_PLAN', `stage ${stage.name}: this process was started without connectors`);
    this.#options = options;
    this.#plan = stage.sink;
    this.#connectors = connectors;
    this.#limits = connectors.batchLimits(stage.sink.kind);
    this.#context = {
      state: state.store(stage.sink.name),
      only: (count) => {
        this.#done = count;
      },
    };
    // At once: what is wrong is told before the first record comes.
    this.#open().catch(() => undefined);
  }

  get trouble(): string | null {
    return this.#trouble ?? this.#opened?.health() ?? null;
  }

  async process(input: TaskInput, most: number, advance: () => void): Promise<void> {
    const batch = this.#take(input, most);
    advance();
    if (batch.taken.length === 0) return;
    const refused = batch.records.length > 0 ? await this.#write(batch.records) : [];
    const left = this.#giveBack(input, batch);
    const refusals = [...batch.refusals, ...refused].filter(({ record }) => record.offset < left);
    for (const { record, reason } of refusals)
      setAside(
        this.#options,
        this.#options.plan.dead_letter_topic,
        { ...record, source: this.#plan.name },
        reason,
      );
    this.#count(batch.taken.filter(({ offset }) => offset < left).length, refusals.length);
    this.wants_commit = true;
  }

  /** What the connector is not done with; the offset at which that begins. */
  #giveBack(input: TaskInput, { taken, records }: Batch): number {
    const left = records[this.#done]?.offset ?? Number.POSITIVE_INFINITY;
    input.giveBack(taken.filter(({ offset }) => offset >= left));
    return left;
  }

  advance(): void {}

  closeOpenWindows(): void {}

  dropExpired(): void {}

  beforeCommit(): void {
    this.wants_commit = false;
  }

  takeEmissions(): [] {
    return [];
  }

  async close(): Promise<void> {
    const closing = this.#opened?.close().catch((error) => this.#note(error, 'sink not closed'));
    await Promise.race([closing, delay(CLOSE_MAX_MS, undefined, { ref: false })]);
  }

  #count(taken: number, refused: number): void {
    const { ledger, stage } = this.#options;
    ledger.count(stage.name, TAKEN_IN, taken);
    if (taken > refused) ledger.count(stage.name, 'written', taken - refused);
    if (refused > 0) ledger.count(stage.name, 'dead_lettered', refused);
    ledger.settle();
  }

  #take(input: TaskInput, most: number): Batch {
    const { max_records, max_bytes } = this.#limits;
    // One alone is asked for where a record is suspected to kill whoever takes it.
    const room = most === 1 ? 1 : max_records;
    const [taken, records, refusals]: [LogRecord[], SinkRecord[], Refusal[]] = [[], [], []];
    for (let bytes = 0; taken.length < room && bytes < max_bytes && input.has_next; ) {
      const found = input.takeNext();
      if (!found || this.#isControl(input.plan, found)) continue;
      taken.push(found);
      const record = this.#recordOf(input.plan, found);
      const reason = this.#options.care.condemns(record.topic, record.offset) ?? foreign(input.plan, found);
      if (reason) refusals.push({ record, reason });
      else records.push(record);
      bytes += (record.key?.length ?? 0) + (record.value?.length ?? 0);
    }
    return { taken, records, refusals };
  }

  #recordOf({ topic }: InputPlan, { offset, timestamp_ms, key, value, headers }: LogRecord): SinkRecord {
    const { partition } = this.#options;
    return { topic, partition, offset, timestamp_ms, key, value, headers: withoutFormat(headers) };
  }

  /** A producer's heartbeat is said to errata. */
  #isControl({ codec }: InputPlan, record: LogRecord): boolean {
    if (codec.type === 'internal') return false;
    return heartbeatTime(record, Number.POSITIVE_INFINITY, this.#options.now()) !== null;
  }

  /** Rejects only where the task ends. */
  async #write(records: readonly SinkRecord[]): Promise<Refusal[]> {
    const { state } = this.#options;
    return this.#persist(async () => {
      const sink = await this.#open();
      state.checkpoint();
      this.#done = records.length;
      try {
        const held = { offset: records[0]!.offset, records: records.length };
        const refusals = await this.#options.whileUnderWay(held, () => sink.write(records, this.#context));
        this.#failed_in_succession = 0;
        return refusals;
      } catch (error) {
        state.undo();
        this.#failed_in_succession += 1;
        if (this.#failed_in_succession % REOPEN_AFTER === 0) await this.#reopen();
        throw error;
      }
    });
  }

  #open(): Promise<OpenSink> {
    const { plan, partition, signal, log } = this.#options;
    const { name, kind, message, config } = this.#plan;
    const place = { namespace: plan.namespace, topology: plan.topology, name };
    this.#opening ??= this.#persist(async () => {
      this.#opened = await this.#connectors.openSink(kind, config, {
        place,
        message,
        partition,
        signal,
        log,
      });
      return this.#opened;
    });
    return this.#opening;
  }

  async #reopen(): Promise<void> {
    await this.close();
    this.#opened = undefined;
    this.#opening = undefined;
  }

  async #persist<Result>(attempt: () => Promise<Result>): Promise<Result> {
    const { signal } = this.#options;
    for (let backoff_ms = BACKOFF_MS.first; ; backoff_ms = Math.min(backoff_ms * 2, BACKOFF_MS.most)) {
      signal.throwIfAborted();
      try {
        const result = await attempt();
        this.#trouble = null;
        return result;
      } catch (error) {
        signal.throwIfAborted();
        this.#note(error, 'sink waits');
      }
      await delay(backoff_ms, undefined, { signal });
    }
  }

  #note(error: unknown, what: string): void {
    this.failures += 1;
    const reason = error instanceof ErrataError ? error.toString() : errorMessage(error);
    const told = `${this.#plan.kind}: ${reason}`;
    if (told !== this.#trouble) this.#options.log.warn({ sink: this.#plan.name, error: reason }, what);
    this.#trouble = told;
  }
}

interface Batch {
  taken: LogRecord[];
  /** Of these, what goes to the connector; */
  records: SinkRecord[];
  /** and what does not. */
  refusals: Refusal[];
}

/** Why a record on an internal topic is none of errata's; another version's stops the task. */
function foreign({ codec }: InputPlan, record: LogRecord): Refusal['reason'] | null {
  if (codec.type === 'source') return null;
  try {
    formatOf(record);
    return null;
  } catch (error) {
    if (isOtherVersion(error)) throw error;
    return describeFailure(error);
  }
}
