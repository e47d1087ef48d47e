/**
 * One (stage, partition): the unit of placement, state, commit and restart.
 *
 * 1. Records of one input are processed in order; of several inputs, the one that is furthest behind in event time
 *    goes first, so that none runs ahead of the watermark.
 * 2. The committed offset is read before the state is restored. State is written before its offset, so what is
 *    restored is never behind the offset, whatever the former owner still had under way.
 * 3. What a step did (outputs, watermark, state, offsets) is handed to the committer as one, and nothing is
 *    processed until it is committed.
 */
import type { Logger } from 'pino';
import { ErrataError, errorMessage } from '../messages/errata_error.ts';
import type { TaskId } from './assignment.ts';
import type { CommitOffset, Committer } from './committer.ts';
import type { ConnectorModule } from './edge.ts';
import { Effects } from './effects.ts';
import { summedUp, type Told } from './emissions.ts';
import { type FirstOffset, firstOffset } from './first_offset.ts';
import type { InHand } from './in_hand.ts';
import { Ledger, type LedgerEntries, TAKEN_IN } from './ledger.ts';
import type { LogReader } from './log_reader.ts';
import { offsetsTopic, type ResolvedPlan, type StagePlan } from './plan.ts';
import { type RestoreProgress, restoreState } from './restore.ts';
import { createStageLogic, type RunJob, type StageLogic, type UnderWay } from './stage_logic.ts';
import { TaskState } from './state.ts';
import { Care, type Suspicion } from './suspicion.ts';
import { type InputStatus, TaskInput } from './task_input.ts';
import { TaskTime } from './task_time.ts';

export interface TaskPorts {
  reader: LogReader;
  committer: Committer;
  cluster_id: string;
  /** Offset behind the last record of a partition. */
  endOffset(topic: string, partition: number): Promise<number>;
  /** The group's committed offsets, null where it has none. */
  committedOffsets(inputs: { topic: string; partition: number }[]): Promise<(number | null)[]>;
  runJob: RunJob;
  connectors: ConnectorModule | null;
  onEmissions(told: Told): void;
  onFailed(task: TaskId, error: Error): void;
  /** What was suspected of the task's records has turned out not to be so, or is set aside. */
  onCleared(task: TaskId): void;
  in_hand: InHand;
  now(): number;
}

export type TaskPhase = 'restoring' | 'running' | 'waiting' | 'stopped';

export interface TaskStatus {
  task: TaskId;
  phase: TaskPhase;
  /** What it waits for. */
  reason: string | null;
  inputs: InputStatus[];
  watermark_ms: number | null;
  state_entries: number;
  /** How far its state is restored, or how it was; null for a stage without state. */
  restore: RestoreProgress | null;
  /** Attempts to write that failed, where records go to a connector. */
  failures: number;
  ledger: LedgerEntries;
}

/** So that one busy task does not keep the others of its worker waiting. */
const SLICE_MS = 10;
const RECORDS_PER_TURN = 256;
/** Where there are several inputs: so that none runs far ahead of the others, and feedback ahead of its prediction. */
const RECORDS_PER_TURN_OF_SEVERAL = 64;
const COMMIT_MAX_OUTPUTS = 5_000;
const COMMIT_MAX_CHANGES = 100_000;
/** Idleness, and a commit interval that has passed, are noticed at least this often. */
const TICK_MS = 100;

export class Task {
  readonly id: TaskId;
  readonly stage: StagePlan;
  readonly partition: number;
  readonly #plan: ResolvedPlan;
  readonly #ports: TaskPorts;
  readonly #log: Logger;
  #state = new TaskState();
  #restore_progress: RestoreProgress | null = null;
  readonly #effects = new Effects();
  #ledger = new Ledger(this.#state.store('$ledger'));
  #inputs: TaskInput[] = [];
  #time!: TaskTime;
  #logic!: StageLogic;
  #phase: TaskPhase = 'restoring';
  #committed = new Map<TaskInput, number>();
  #last_commit_ms = 0;
  /** As far as it was told. */
  #refused = 0;
  readonly #stop = new AbortController();
  #running: Promise<void> | undefined;
  #wake: () => void = () => undefined;
  #paused_sources: ReadonlySet<string>;
  readonly #care: Care;
  /** Where the last step began. */
  #at = { input: 0, offset: 0 };

  constructor(
    parts: {
      id: TaskId;
      plan: ResolvedPlan;
      stage: StagePlan;
      partition: number;
      paused: ReadonlySet<string>;
      suspicion: Suspicion | null;
    },
    ports: TaskPorts,
    log: Logger,
  ) {
    this.id = parts.id;
    this.#plan = parts.plan;
    this.stage = parts.stage;
    this.partition = parts.partition;
    this.#paused_sources = parts.paused;
    this.#care = new Care(parts.suspicion);
    this.#ports = ports;
    this.#log = log.child({ task: parts.id });
  }

  /** Restores and runs until `stop`; a failure goes to `onFailed`. */
  start(): void {
    this.#running = this.#live().catch((error) => {
      this.#phase = 'stopped';
      if (!this.#stopping) this.#ports.onFailed(this.id, error as Error);
    });
  }

  /** For Kafka: what it has done cannot be committed at the moment. */
  get is_waiting(): boolean {
    return this.#ports.committer.trouble(this.id) !== null;
  }

  /** `drop`: what is not committed is left to whoever gets the task next. */
  async stop(how: 'commit' | 'drop'): Promise<void> {
    this.#stop.abort(new ErrataError('E_TASK_DROPPED', `task ${this.id} is stopped`));
    this.#wake();
    if (how === 'drop') this.#ports.committer.abandon(this.id);
    await this.#running;
    if (how === 'commit' && this.#phase === 'running') {
      await this.#commit().catch((error) =>
        this.#log.warn({ error: errorMessage(error) }, 'last commit failed'),
      );
    }
    for (const { plan, partition } of this.#inputs) this.#ports.reader.remove(plan.topic, partition);
    await this.#logic?.close?.();
    await this.#state
      .close()
      .catch((error) => this.#log.warn({ error: errorMessage(error) }, 'state not closed'));
    this.#phase = 'stopped';
  }

  setPaused(sources: ReadonlySet<string>): void {
    this.#paused_sources = sources;
    for (const input of this.#inputs) input.paused = this.#isPaused(input);
    this.#ports.reader.wake();
  }

  status(): TaskStatus {
    const waiting = this.#ports.committer.trouble(this.id);
    const unhealthy = this.#inputs.find((input) => input.unhealthy)?.unhealthy ?? null;
    const reason = waiting ?? this.#logic?.trouble ?? unhealthy;
    return {
      task: this.id,
      phase: this.#phase === 'running' && reason ? 'waiting' : this.#phase,
      reason,
      inputs: this.#inputs.map((input) => input.status()),
      watermark_ms: this.#time && Number.isFinite(this.#time.watermark_ms) ? this.#time.watermark_ms : null,
      state_entries: this.#state.size,
      restore: this.#restore_progress,
      failures: this.#logic?.failures ?? 0,
      // What is stopped may run elsewhere, and is counted there.
      ledger: this.#phase === 'stopped' ? {} : this.#ledger.entries(),
    };
  }

  get #stopping(): boolean {
    return this.#stop.signal.aborted;
  }

  async #live(): Promise<void> {
    await this.#ports.committer.open(this.id);
    const places = this.stage.inputs.map((input) => ({
      topic: offsetsTopic(input),
      partition: this.partition,
    }));
    const offsets = await this.#ports.committedOffsets(places);
    if (this.#stopping) return;
    await this.#restore();
    this.#openInputs(await this.#firstOffsets(offsets));
    this.#last_commit_ms = this.#ports.now();
    // Where it begins at the end, that end is kept before it counts as running: nothing that follows may be left out.
    if (this.#has_moved) await this.#commit();
    this.#phase = 'running';
    while (!this.#stopping) {
      const busy = await this.#work();
      if (this.#time.tick(this.#ports.now())) this.#advance();
      if (this.#commitIsDue(busy)) await this.#commit();
      else if (busy) await new Promise((resolve) => setImmediate(resolve));
      else await this.#nap();
    }
  }

  async #restore(): Promise<void> {
    const { changelog } = this.stage;
    if (!changelog) return;
    const { reader, cluster_id, now } = this.#ports;
    const [log, signal] = [this.#log, this.#stop.signal];
    const onProgress = (progress: RestoreProgress) => {
      this.#restore_progress = progress;
    };
    const identity = { changelog, partition: this.partition, cluster_id };
    this.#state = await restoreState(this.#plan.state, identity, { reader, now, log, signal, onProgress });
    this.#ledger = new Ledger(this.#state.store('$ledger'));
  }

  #firstOffsets(offsets: (number | null)[]): Promise<FirstOffset[]> {
    const end = (topic: string) => this.#ports.endOffset(topic, this.partition);
    return Promise.all(
      this.stage.inputs.map((plan, index) => firstOffset(plan, offsets[index] ?? null, end, this.#log)),
    );
  }

  #openInputs(offsets: FirstOffset[]): void {
    const { reader } = this.#ports;
    this.#time = new TaskTime(this.#plan, this.stage, this.partition, this.#state.store('$time'));
    this.#inputs = this.stage.inputs.map((plan, index) => {
      const { position, committed, is_fresh } = offsets[index]!;
      const input = new TaskInput(
        { plan, partition: this.partition, position, clock: this.#time.clockOf(plan) },
        () => this.#wake(),
        (from, log_start_offset) =>
          from < log_start_offset
            ? this.#onGap(input, from, log_start_offset, is_fresh)
            : this.#onTruncated(input, from),
      );
      input.paused = this.#isPaused(input);
      this.#committed.set(input, committed);
      return input;
    });
    this.#time.bind(this.#inputs);
    this.#logic = createStageLogic({
      plan: this.#plan,
      stage: this.stage,
      partition: this.partition,
      state: this.#state,
      effects: this.#effects,
      ledger: this.#ledger,
      time: this.#time,
      now: this.#ports.now,
      care: this.#care,
      runJob: this.#ports.runJob,
      connectors: this.#ports.connectors,
      signal: this.#stop.signal,
      log: this.#log,
      whileUnderWay: (held, write) => this.#whileUnderWay(held, write),
    });
    for (const input of this.#inputs) reader.add(input.plan.topic, this.partition, input.position, input);
  }

  /** Whether what the log has now was processed already cannot be known: to go on would lose or repeat records. */
  #onTruncated({ plan: { topic } }: TaskInput, from: number): void {
    const error = new ErrataError(
      'E_LOG_TRUNCATED',
      `${this.id} has processed ${topic}/${this.partition} up to offset ${from}, and its log ends before that`,
      {
        hint: 'the topic was made anew, or its log was cut back: reset the offsets of the group, or run under another namespace',
      },
    );
    this.#ports.onFailed(this.id, error);
  }

  /**
   * The log no longer has the position. A group that has never committed starts where the log starts; otherwise
   * records were lost to retention, which is an error and counted.
   */
  #onGap(input: TaskInput, from: number, log_start_offset: number, fresh: boolean): void {
    const { topic, codec } = input.plan;
    if (!(fresh && from === 0)) {
      const lost = Math.max(0, log_start_offset - from);
      this.#log.error(
        { topic, partition: this.partition, from, log_start_offset, lost },
        'E_OFFSET_OUT_OF_RANGE: the log does not have this position any more; the records between are lost',
      );
      const account = this.stage.sink ? this.stage.name : codec.type === 'source' ? codec.source : topic;
      this.#ledger.count(account, TAKEN_IN, lost);
      this.#ledger.count(account, 'expired', lost);
      this.#ledger.settle();
    }
    if (!input.has_next) input.position = log_start_offset;
    this.#ports.reader.seek(topic, this.partition, log_start_offset);
  }

  /** Processes for one slice of time; false where there was nothing. */
  async #work(): Promise<boolean> {
    const until_ms = performance.now() + SLICE_MS;
    let worked = false;
    while (!this.#stopping) {
      if (this.#logic.has_expired) {
        this.#logic.dropExpired();
        worked = true;
        if (performance.now() > until_ms || this.#is_full) return true;
        continue;
      }
      const input = this.#time.nextInput();
      if (!input) return worked;
      const pending = this.#step(input);
      if (pending) await this.#unlessStopped(pending);
      if (input.wantsMore()) this.#ports.reader.wake();
      worked = true;
      if (performance.now() > until_ms || this.#is_full || this.#wants_commit) return true;
    }
    return worked;
  }

  /** One turn of one input; where its records are suspect, one record. */
  #step(input: TaskInput): Promise<void> | undefined {
    const in_turn = this.#inputs.length > 1 ? RECORDS_PER_TURN_OF_SEVERAL : RECORDS_PER_TURN;
    const most = this.#care.is_needed ? 1 : in_turn;
    this.#at = { input: this.#inputs.indexOf(input), offset: input.position };
    this.#care.stepped();
    return this.#holding({ taken: most, is_one: most === 1 }, () =>
      this.#logic.process(input, most, () => this.#advance()),
    );
  }

  /** Should the thread die in `act`, or `act` throw, then it was because of records that are not yet committed. */
  #holding<Result>({ taken, is_one }: { taken: number; is_one: boolean }, act: () => Result): Result {
    const uncommitted = this.#inputs.reduce(
      (sum, input) => sum + input.position - this.#committed.get(input)!,
      0,
    );
    const stage = this.#plan.stages.indexOf(this.stage);
    const { partition } = this;
    const held = { stage, partition, ...this.#at, records: uncommitted + taken, is_one: Number(is_one) };
    return this.#ports.in_hand.holding(held, act);
  }

  #whileUnderWay<Result>(held: UnderWay, write: () => Promise<Result>): Promise<Result> {
    const stage = this.#plan.stages.indexOf(this.stage);
    const is_one = Number(this.#care.is_needed && held.records === 1);
    const { partition } = this;
    return this.#ports.in_hand.whileUnderWay({ stage, partition, input: 0, ...held, is_one }, write);
  }

  /**
   * A training may take hours; whoever stops does not wait for it. What is thrown here ends the task before its
   * position is committed, so the job is taken up again by whoever gets the task next.
   */
  async #unlessStopped(pending: Promise<void>): Promise<void> {
    const { signal } = this.#stop;
    signal.throwIfAborted();
    const stopped = Promise.withResolvers<never>();
    const onAbort = () => stopped.reject(signal.reason);
    signal.addEventListener('abort', onAbort);
    try {
      await Promise.race([pending, stopped.promise]);
    } finally {
      signal.removeEventListener('abort', onAbort);
    }
  }

  /** What time brings about is no single record's doing. */
  #advance(): void {
    const step = this.#time.step();
    if (step.type === 'none') return;
    this.#ports.in_hand.without(() => {
      if (step.type === 'advanced') this.#logic.advance(step.watermark_ms);
      else this.#logic.closeOpenWindows();
    });
  }

  /** Soon where it keeps up with its inputs; otherwise by interval or size. */
  #commitIsDue(busy: boolean): boolean {
    const since_ms = this.#ports.now() - this.#last_commit_ms;
    const interval_ms = this.#plan.commit_interval_ms;
    if (this.#is_full || this.#wants_commit) return true;
    const keeps_up = !busy && this.#inputs.every((input) => input.at_end);
    const due = since_ms >= interval_ms || (keeps_up && since_ms >= interval_ms / 10);
    return due && this.#has_work_to_commit;
  }

  get #wants_commit(): boolean {
    return this.#care.wants_commit || this.#logic.wants_commit === true;
  }

  /** What there is to commit is as much as one transaction should hold. */
  get #is_full(): boolean {
    return this.#effects.count > COMMIT_MAX_OUTPUTS || this.#state.changes > COMMIT_MAX_CHANGES;
  }

  get #has_work_to_commit(): boolean {
    return (
      this.#effects.count > 0 ||
      this.#state.has_changes ||
      this.#ledger.has_news ||
      this.#time.has_news ||
      this.#has_moved
    );
  }

  get #has_moved(): boolean {
    return this.#inputs.some((input) => input.position !== this.#committed.get(input));
  }

  async #commit(): Promise<void> {
    const { offsets, changes, emissions, done } = this.#holding(
      { taken: 0, is_one: this.#care.steps === 1 },
      () => this.#startCommit(),
    );
    await done;
    for (const { input, offset } of offsets) this.#committed.set(input, offset);
    if (changes.length > 0) this.#state.committed(changes, this.#plan.guarantee);
    this.#last_commit_ms = this.#ports.now();
    if (this.#care.committed((topic) => this.#committedOn(topic))) this.#ports.onCleared(this.id);
    if (emissions.length > 0) this.#ports.onEmissions(summedUp(emissions));
  }

  #committedOn(topic: string): number {
    const input = this.#inputs.find(({ plan }) => plan.topic === topic);
    return input ? this.#committed.get(input)! : 0;
  }

  #startCommit() {
    this.#logic.beforeCommit();
    const hasMoved = (input: TaskInput) => input.position !== this.#committed.get(input);
    const offsets = this.#inputs.filter(hasMoved).map((input) => ({ input, offset: input.position }));
    const held = this.#inputs.filter((input) => !hasMoved(input));
    const watermarks = this.#time.takeNews();
    const emissions = this.#logic.takeEmissions();
    this.#ledger.save();
    this.#warnOfRefused();
    const { changes, packed } = this.#state.takeChanges();
    const done = this.#ports.committer.commit(this.id, {
      outputs: [...this.#effects.take(), ...watermarks],
      changelog: { topic: this.stage.changelog ?? null, partition: this.partition, changes, packed },
      offsets: offsets.map(
        ({ input, offset }): CommitOffset => ({
          topic: offsetsTopic(input.plan),
          partition: this.partition,
          offset,
          previous: this.#committed.get(input)!,
        }),
      ),
      held: held.map(({ plan, position }) => ({
        topic: offsetsTopic(plan),
        partition: this.partition,
        offset: position,
      })),
    });
    return { offsets, changes, emissions, done };
  }

  #warnOfRefused(): void {
    const refused = this.#ledger.total('refused');
    if (refused > this.#refused)
      this.#log.error(
        { refused: refused - this.#refused },
        'E_MAX_OPEN_WINDOWS: events that would open more windows than a task may keep go to the late topic',
      );
    this.#refused = refused;
  }

  #isPaused(input: TaskInput): boolean {
    const { codec } = input.plan;
    return codec.type === 'source' && this.#paused_sources.has(codec.source);
  }

  #nap(): Promise<void> {
    // What came while the last promises settled found nobody to wake.
    if (this.#time.nextInput()) return Promise.resolve();
    const time_ms = this.#has_work_to_commit
      ? Math.min(TICK_MS, this.#plan.commit_interval_ms / 10)
      : TICK_MS;
    return new Promise((resolve) => {
      const done = () => {
        clearTimeout(timer);
        this.#wake = () => undefined;
        resolve();
      };
      const timer = setTimeout(done, time_ms);
      this.#wake = done;
    });
  }
}
