/**
 * The short way for a source whose records are only summed up (capture with `join: none`, windows behind it): they
 * are scanned where they stand in the batch, and never become objects. Whatever is unusual about a record (bad, late, from
 * far ahead, a heartbeat) takes the ordinary way through the actors, with event time advanced up to it; so both ways
 * say the same.
 */
import type { ScannedInput } from '../actors/actor.ts';
import type { CaptureConfig } from '../actors/capture_config.ts';
import { parseDuration } from '../messages/duration.ts';
import { PREDICTION, RecordScanner } from '../messages/record_scanner.ts';
import type { RecordCursor } from '../wire/record_cursor.ts';
import type { ActorStage } from './actor_stage.ts';
import { TAKEN_IN } from './ledger.ts';
import type { ActorPlan, InputPlan } from './plan.ts';
import type { TaskInput } from './task_input.ts';
import type { EventTimeInput } from './watermarks.ts';

/** Who counts an event, and whether that of a prediction too. */
interface Counter {
  scanned: ScannedInput;
  over: 'feedback' | 'all';
}

export class ScannedSource {
  readonly #stage: ActorStage;
  readonly #source: string;
  readonly #config: CaptureConfig;
  readonly #counters: Counter[];
  /** Processes the record that the input stands on as any other. */
  readonly #ordinary: (input: TaskInput) => void;
  readonly #scanner = new RecordScanner();
  readonly #lateness_ms: number;
  readonly #max_ahead_ms: number;
  readonly #isAtHome: (deployment_id: string) => boolean;
  /** The next event time at which something happens, as far as it is known while records are taken. */
  #due_ms = Number.NEGATIVE_INFINITY;

  constructor(
    stage: ActorStage,
    input: InputPlan,
    config: CaptureConfig,
    counters: Counter[],
    ordinary: (input: TaskInput) => void,
  ) {
    this.#stage = stage;
    this.#source = (input.codec as { source: string }).source;
    this.#config = config;
    this.#counters = counters;
    this.#ordinary = ordinary;
    this.#lateness_ms = parseDuration(config.lateness);
    this.#max_ahead_ms = parseDuration(config.max_ahead);
    this.#isAtHome = (deployment_id) => stage.isAtHome(input, { deployment_id });
  }

  /** Stops early at the end of a chunk and where a window may close. */
  take(input: TaskInput, most: number, advance: () => void): void {
    const clock = input.clock as EventTimeInput;
    let counted = 0;
    this.#due_ms = this.#nextDue();
    for (let taken = 0; taken < most && input.advance(); taken++) {
      if (this.#takes(input.cursor, clock)) counted++;
      else {
        advance();
        this.#ordinary(input);
        this.#due_ms = this.#nextDue();
      }
      if (clock.reached_ms >= this.#due_ms || this.#stage.has_expired) break;
    }
    this.#count(counted);
    if (this.#counters.some(({ scanned }) => scanned.is_full)) this.#stage.handOn(Number.POSITIVE_INFINITY);
    advance();
  }

  #count(records: number): void {
    const { ledger } = this.#stage.options;
    if (records === 0) return;
    ledger.count(this.#source, TAKEN_IN, records);
    ledger.count(this.#source, 'unjoinable', records);
    ledger.settle();
  }

  #takes(cursor: RecordCursor, clock: EventTimeInput): boolean {
    const scanner = this.#scanner;
    const { value_start, value_end } = cursor;
    if (value_start < 0 || value_end - value_start > this.#config.max_record_bytes) return false;
    if (!scanner.scan(cursor.buffer, value_start, value_end)) return false;
    const { time_ms } = scanner;
    const written_ms = cursor.timestamp_ms >= 0 ? cursor.timestamp_ms : this.#stage.options.now();
    if (time_ms - written_ms > this.#max_ahead_ms) return false;
    const watermark_ms = Math.max(this.#stage.watermark_ms, clock.reached_ms);
    if (time_ms < watermark_ms - this.#lateness_ms) return false;
    for (const { scanned } of this.#counters) if (!scanned.takes(scanner, this.#isAtHome)) return false;
    clock.observe(time_ms);
    for (const { scanned, over } of this.#counters) {
      if (over !== 'all' && scanner.kind === PREDICTION) continue;
      scanned.add(scanner, watermark_ms);
      if (scanned.due_ms < this.#due_ms) this.#due_ms = scanned.due_ms;
    }
    return true;
  }

  #nextDue(): number {
    return Math.min(this.#stage.timers.next_ms, this.#stage.held_back_ms);
  }
}

/** Null where records need more than being summed up. */
export function scannedSource(
  stage: ActorStage,
  input: InputPlan,
  ordinary: (input: TaskInput) => void,
): ScannedSource | null {
  const { codec } = input;
  if (codec.type !== 'source' || codec.rekeyed || codec.keyed?.by === 'prediction_id') return null;
  const capture = stage.options.stage.actors.find(({ name }) => name === input.actor);
  const config = capture?.config as CaptureConfig | undefined;
  if (capture?.kind !== 'capture' || config?.join !== 'none') return null;
  const counters = countersBehind(capture, stage);
  return counters && new ScannedSource(stage, input, config, counters, ordinary);
}

function countersBehind(capture: ActorPlan, stage: ActorStage): Counter[] | null {
  const counters: Counter[] = [];
  for (const target of Object.values(capture.outputs).flat()) {
    const plan =
      target.to === 'actor' && stage.options.stage.actors.find(({ name }) => name === target.actor);
    const scanned = plan && stage.actor(plan.name)?.scanned;
    if (!plan || !scanned) return null;
    counters.push({ scanned, over: (plan.config as { over: Counter['over'] }).over });
  }
  return counters;
}
