/**
 * The short way for a source whose records are only joined and summed up (capture, windows behind it): they are scanned
 * where they stand in the batch, and never become objects. Whatever is unusual about a record (bad, late, from far ahead, a
 * heartbeat) takes the ordinary way through the actors, with event time advanced up to it; so both ways say the same.
 */
import type { RecordRun } from '../actors/actor.ts';
import type { CaptureConfig } from '../actors/capture_config.ts';
import { ScannedAlone, type ScannedCapture, type ScannedCounter } from '../actors/scanned_capture.ts';
import { ScannedJoin } from '../actors/scanned_join.ts';
import type { WindowConfig } from '../actors/window_config.ts';
import { parseDuration } from '../messages/duration.ts';
import { RecordScanner } from '../messages/record_scanner.ts';
import type { RecordCursor } from '../wire/record_cursor.ts';
import type { ActorStage } from './actor_stage.ts';
import { TAKEN_IN } from './ledger.ts';
import { partitionOfBytes } from './partitioner.ts';
import type { ActorPlan, InputPlan, Keyed } from './plan.ts';
import type { TaskInput } from './task_input.ts';
import type { TaskTime } from './task_time.ts';
import type { EventTimeInput } from './watermarks.ts';

interface Scanned {
  source: string;
  capture: ScannedCapture;
  counters: readonly ScannedCounter[];
  config: CaptureConfig;
  /** False for a record that stands where it does not belong. */
  isAtHome(scanner: RecordScanner): boolean;
}

/** One for all of a thread: what it says is good until the next record. */
const scanner = new RecordScanner();

export class ScannedSource {
  readonly #stage: ActorStage;
  readonly #time: TaskTime;
  readonly #scanned: Scanned;
  /** Processes the record that the input stands on as any other. */
  readonly #ordinary: (input: TaskInput) => void;
  readonly #lateness_ms: number;
  readonly #max_ahead_ms: number;
  readonly #run: RecordRun;
  /** The next event time at which something happens, as far as it is known while records are taken. */
  #due_ms = Number.NEGATIVE_INFINITY;
  /** How far the other inputs let the watermark go. */
  #held_ms = Number.NEGATIVE_INFINITY;

  constructor(stage: ActorStage, time: TaskTime, scanned: Scanned, ordinary: (input: TaskInput) => void) {
    this.#stage = stage;
    this.#time = time;
    this.#scanned = scanned;
    this.#ordinary = ordinary;
    this.#lateness_ms = parseDuration(scanned.config.lateness);
    this.#max_ahead_ms = parseDuration(scanned.config.max_ahead);
    this.#run = runOf(scanned.config, { lateness_ms: this.#lateness_ms, max_ahead_ms: this.#max_ahead_ms });
  }

  /** Stops early at the end of a chunk and where a window may close. */
  take(input: TaskInput, most: number, advance: () => void): void {
    const { counters } = this.#scanned;
    const clock = input.clock as EventTimeInput;
    let counted = 0;
    scanner.forget();
    this.#held_ms = this.#time.heldByOthers(input);
    this.#due_ms = this.#nextDue();
    for (let taken = 0; taken < most && input.advance(); ) {
      const passed = this.#pass(input, clock, most - taken) || (this.#takes(input.cursor, clock) ? 1 : 0);
      counted += passed;
      taken += Math.max(passed, 1);
      if (passed === 0) {
        advance();
        this.#ordinary(input);
        this.#due_ms = this.#nextDue();
      }
      if (this.#watermarkAt(clock) >= this.#due_ms || this.#stage.has_expired) break;
    }
    this.#count(counted);
    if (counters.some(({ scanned }) => scanned.is_full)) this.#stage.handOn(Number.POSITIVE_INFINITY);
    advance();
  }

  #count(records: number): void {
    const { ledger } = this.#stage.options;
    if (records === 0) return;
    ledger.count(this.#scanned.source, TAKEN_IN, records);
    this.#scanned.capture.settle((account, disposition, delta) => ledger.count(account, disposition, delta));
    ledger.settle();
  }

  /** Takes records of the batch from the current one on, as long as they are as usual; says how many. */
  #pass(input: TaskInput, clock: EventTimeInput, most: number): number {
    const { capture } = this.#scanned;
    const { cursor } = input;
    if (!capture.takes_runs) return 0;
    const run = this.#run;
    run.bytes = cursor.buffer;
    run.position = cursor.start;
    run.base_timestamp_ms = cursor.base_timestamp_ms;
    run.has_own_times = cursor.has_own_times;
    run.watermark_ms = this.#stage.watermark_ms;
    run.held_ms = this.#held_ms;
    run.reached_ms = clock.reached_ms;
    run.disorder_ms = clock.disorder_ms;
    run.due_ms = this.#due_ms;
    const taken = capture.takeRecords(run, Math.min(most, cursor.left));
    if (taken === 0) return 0;
    input.pass(taken, run.position, run.offset_delta);
    clock.observe(run.reached_ms + run.disorder_ms);
    this.#hurry();
    return taken;
  }

  /** What was taken may be due sooner than all else. */
  #hurry(): void {
    for (const { scanned } of this.#scanned.counters)
      if (scanned.due_ms < this.#due_ms) this.#due_ms = scanned.due_ms;
  }

  #takes(cursor: RecordCursor, clock: EventTimeInput): boolean {
    const { capture, config } = this.#scanned;
    const { value_start, value_end } = cursor;
    if (value_start < 0 || value_end - value_start > config.max_record_bytes) return false;
    if (!scanner.scanNext(cursor.buffer, value_start, value_end)) return false;
    const { time_ms } = scanner;
    const written_ms = cursor.timestamp_ms >= 0 ? cursor.timestamp_ms : this.#stage.options.now();
    if (time_ms - written_ms > this.#max_ahead_ms) return false;
    const watermark_ms = this.#watermarkAt(clock);
    if (time_ms < watermark_ms - this.#lateness_ms || !this.#scanned.isAtHome(scanner)) return false;
    if (!capture.take(scanner, watermark_ms)) return false;
    clock.observe(time_ms);
    this.#hurry();
    return true;
  }

  /** What the actors would be told if they were told of every record. */
  #watermarkAt(clock: EventTimeInput): number {
    return Math.max(this.#stage.watermark_ms, Math.min(clock.reached_ms, this.#held_ms));
  }

  #nextDue(): number {
    return Math.min(this.#stage.timers.next_ms, this.#stage.held_back_ms);
  }
}

/** With what is the same for all. */
function runOf(
  { max_record_bytes }: CaptureConfig,
  limits: Pick<RecordRun, 'lateness_ms' | 'max_ahead_ms'>,
): RecordRun {
  return {
    ...{ bytes: Buffer.alloc(0), position: 0, base_timestamp_ms: 0, has_own_times: true },
    ...{ offset_delta: 0, max_record_bytes, ...limits },
    ...{ watermark_ms: 0, held_ms: 0, reached_ms: 0, disorder_ms: 0, due_ms: 0 },
  };
}

/** Null where records need more than that, or their state is not kept as bytes. */
export function scannedSource(
  stage: ActorStage,
  time: TaskTime,
  input: InputPlan,
  ordinary: (input: TaskInput) => void,
): ScannedSource | null {
  const { codec } = input;
  if (codec.type !== 'source' || codec.rekeyed) return null;
  const plan = stage.options.stage.actors.find(({ name }) => name === input.actor);
  if (plan?.kind !== 'capture') return null;
  const counters = countersBehind(plan, stage);
  const scanned = counters && scannedCapture(stage, input, { ...codec, plan, counters });
  return scanned && new ScannedSource(stage, time, scanned, ordinary);
}

function scannedCapture(
  stage: ActorStage,
  input: InputPlan,
  {
    source,
    keyed,
    plan,
    counters,
  }: { source: string; keyed: Keyed | null; plan: ActorPlan; counters: ScannedCounter[] },
): Scanned | null {
  const config = plan.config as CaptureConfig;
  const { join } = config;
  if (join === 'none') {
    if (keyed?.by === 'prediction_id') return null;
    const isAtHome = (deployment_id: string) => stage.isAtHome(input, { deployment_id });
    const asks_by_key = keyed === null || counters.some(({ by_deployment }) => by_deployment);
    const capture = new ScannedAlone(source, counters, isAtHome, asks_by_key);
    const looks = asks_by_key ? () => true : homeOfEach(stage, input, keyed);
    return { source, capture, counters, config, isAtHome: looks };
  }
  const entries = stage.entriesOf(plan.name);
  if (config.outcomes || entries === null || keyed?.by !== 'prediction_id') return null;
  const { partitioner } = keyed;
  const { plan: resolved, partition } = stage.options;
  const home = { partitioner, partitions: resolved.partitions[input.topic]!, partition };
  const capture = new ScannedJoin(source, config, join.wait, entries, counters, home);
  return { source, capture, counters, config, isAtHome: homeOfEach(stage, input, keyed) };
}

/** As `stage.isAtHome`, of the record's bytes. */
function homeOfEach(
  stage: ActorStage,
  { topic }: InputPlan,
  { by, partitioner }: Keyed,
): (scanner: RecordScanner) => boolean {
  const { plan, partition } = stage.options;
  const partitions = plan.partitions[topic]!;
  return (scanner) => {
    const is_joined = by === 'prediction_id';
    const start = is_joined ? scanner.prediction_id_start : scanner.deployment_id_start;
    const end = is_joined ? scanner.prediction_id_end : scanner.deployment_id_end;
    if (start < 0) return is_joined;
    return partitionOfBytes(partitioner, scanner.bytes, partitions, start, end) === partition;
  };
}

function countersBehind(capture: ActorPlan, stage: ActorStage): ScannedCounter[] | null {
  const counters: ScannedCounter[] = [];
  for (const target of Object.values(capture.outputs).flat()) {
    const plan =
      target.to === 'actor' && stage.options.stage.actors.find(({ name }) => name === target.actor);
    const scanned = plan && stage.actor(plan.name)?.scanned;
    if (!plan || !scanned) return null;
    const { over, by } = plan.config as WindowConfig;
    counters.push({ scanned, over, by_deployment: by.includes('deployment_id') });
  }
  return counters;
}
