/**
 * Runs the fused actors of one task: hands messages from actor to actor, and gathers their effects.
 *
 * 1. A message's effects (outputs, state, ledger) are kept together or dropped together.
 * 2. A message on which an actor throws is dead-lettered with the stack; the task goes on.
 */
import type {
  Actor,
  BadRecord,
  Context,
  EntryBytes,
  KeyFields,
  MessageType,
  SourceRecord,
  State,
} from '../actors/actor.ts';
import { ACTOR_KINDS } from '../actors/catalogue.ts';
import { packDelta } from '../actors/packed_delta.ts';
import type { WindowDelta } from '../actors/window_delta.ts';
import { ErrataError } from '../messages/errata_error.ts';
import { partitionForKey } from '../wire/murmur2.ts';
import type { Effects } from './effects.ts';
import { type Emission, OF_INTEREST } from './emissions.ts';
import { type Ledger, TAKEN_IN } from './ledger.ts';
import type { LogRecord } from './partition_reader.ts';
import { partitionOf } from './partitioner.ts';
import type { ActorPlan, InputPlan, ResolvedPlan, StagePlan, TargetPlan } from './plan.ts';
import {
  DATA_HEADERS,
  FORMAT_HEADER,
  readRekeyed,
  readSourceRecord,
  writePassedOn,
  writeRekeyed,
} from './record_format.ts';
import { describeFailure, setAside } from './set_aside.ts';
import type { ExpiringStore, TaskState } from './state.ts';
import { Timers } from './timers.ts';

/** What expires at once, after a gap in time, is dropped in portions. */
const EXPIRED_MAX = 1_000;

export interface ActorStageOptions {
  plan: ResolvedPlan;
  stage: StagePlan;
  partition: number;
  state: TaskState;
  effects: Effects;
  ledger: Ledger;
  now(): number;
}

interface RunningActor {
  actor: Actor;
  context: ActorContext;
}

/** The record in hand. */
interface InHand {
  input: InputPlan;
  observe(time_ms: number): void;
}

export class ActorStage {
  readonly options: ActorStageOptions;
  readonly #actors = new Map<string, RunningActor>();
  /** Those that gather what is to be handed on in time. */
  readonly #holding: RunningActor[];
  readonly timers: Timers;
  watermark_ms: number;
  in_hand: InHand | undefined;
  /** A record that is only re-keyed is taken in by the stage behind. */
  readonly #rekeying: ReadonlySet<string>;
  #emissions: Emission[] = [];
  /** More may have expired than was dropped. */
  #has_expired = true;

  /** `watermark_ms` is what the task had reached before a restart. */
  constructor(options: ActorStageOptions, watermark_ms: number) {
    this.options = options;
    this.watermark_ms = watermark_ms;
    this.timers = new Timers(options.state.store('$timers'));
    const { actors } = options.stage;
    for (const plan of actors) this.#actors.set(plan.name, this.#create(plan));
    this.#rekeying = new Set(actors.filter(({ kind }) => kind === 'rekey').map(({ name }) => name));
    this.#holding = [...this.#actors.values()].filter(({ actor }) => actor.holdsBack);
  }

  #create(plan: ActorPlan): RunningActor {
    const kind = ACTOR_KINDS.get(plan.kind);
    if (!kind) throw new ErrataError('E_ACTOR_KIND', `there is no actor of kind "${plan.kind}"`);
    const actor = kind.create(plan.config, { topology: this.options.plan.topology, actor: plan.name });
    const messages = Object.entries(kind.outputs).map(([name, output]) => [name, output.message] as const);
    return { actor, context: new ActorContext(this, plan, new Map(messages)) };
  }

  onSourceRecord(
    input: InputPlan,
    source: string,
    record: LogRecord,
    observe: (time_ms: number) => void,
  ): void {
    const { ledger } = this.options;
    const message = this.#sourceRecord(input, source, record);
    if (!this.#rekeying.has(input.actor)) ledger.count(source, TAKEN_IN, 1);
    this.in_hand = { input, observe };
    this.#attempt(
      () => this.deliver(input.actor, input.input, message),
      (reason) => this.#refuseSource(source, message, reason),
    );
    this.in_hand = undefined;
  }

  /** `written`: what is set aside where the value cannot be processed. */
  onInternalRecord(input: InputPlan, written: () => LogRecord, value: () => unknown): void {
    this.#attempt(
      () => this.deliver(input.actor, input.input, value()),
      (reason) => this.#refuseInternal(input, written(), reason),
    );
  }

  /** Dead-letters a record without asking any actor. */
  refuse(input: InputPlan, record: LogRecord, reason: BadRecord): void {
    const { codec } = input;
    this.#attempt(() => {
      if (codec.type === 'internal' || record.headers[FORMAT_HEADER] !== undefined)
        this.#refuseInternal(input, record, reason);
      else this.#refuseSource(codec.source, this.#sourceRecord(input, codec.source, record), reason);
    });
  }

  #refuseSource(source: string, message: SourceRecord, reason: BadRecord): void {
    this.deadLetter(message, reason);
    this.options.ledger.count(source, TAKEN_IN, 1);
    this.options.ledger.count(source, 'dead_lettered', 1);
  }

  #refuseInternal({ topic }: InputPlan, record: LogRecord, reason: BadRecord): void {
    this.deadLetter(readSourceRecord(topic, topic, this.options.partition, record), reason);
  }

  #sourceRecord({ codec, topic }: InputPlan, source: string, record: LogRecord): SourceRecord {
    return codec.type === 'source' && codec.rekeyed
      ? readRekeyed(source, record)
      : readSourceRecord(source, topic, this.options.partition, record);
  }

  /** Event time goes on: due timers fire in order, then every actor is told. */
  advance(watermark_ms: number): void {
    if (!(watermark_ms > this.watermark_ms)) return;
    this.handOn(watermark_ms);
    this.watermark_ms = watermark_ms;
    for (;;) {
      const timer = this.timers.takeDue(watermark_ms);
      if (!timer) break;
      const running = this.#actors.get(timer.actor);
      this.#attempt(() => running?.actor.onTimer?.(timer.key, timer.time_ms, running.context));
    }
    this.#tellWatermark();
    this.#has_expired = true;
    this.dropExpired();
  }

  /** Until false, no message may be processed: entries are there whose time has passed. */
  get has_expired(): boolean {
    return this.#has_expired;
  }

  /** Drops so many that one commit can hold them. */
  dropExpired(): void {
    let room = EXPIRED_MAX;
    this.#attempt(() => {
      for (const { actor, context } of this.#actors.values())
        for (; room > 0; room--) if (!this.#dropOne(actor, context)) break;
    });
    this.#has_expired = room === 0;
  }

  /** False where nothing more of the actor's has expired. */
  #dropOne(actor: Actor, context: ActorContext): boolean {
    const { expiring } = context;
    if (actor.onExpiredBytes && expiring.bytes) {
      if (!expiring.bytes.findDue(this.watermark_ms)) return false;
      if (actor.onExpiredBytes(expiring.bytes, context)) {
        expiring.bytes.remove();
        return true;
      }
    }
    const due = expiring.takeDue(this.watermark_ms);
    if (due) actor.onExpired?.(due[0], due[1], context);
    return due !== undefined;
  }

  /** All inputs have been read to their end: what is open closes, and the watermark stays where it is. */
  closeOpenWindows(): void {
    const reached_ms = this.watermark_ms;
    this.handOn(Number.MAX_VALUE);
    this.watermark_ms = Number.POSITIVE_INFINITY;
    this.#tellWatermark();
    this.watermark_ms = reached_ms;
  }

  beforeCommit(): void {
    for (const { actor, context } of this.#actors.values()) this.#attempt(() => actor.onCommit?.(context));
  }

  takeEmissions(): Emission[] {
    const emissions = this.#emissions;
    this.#emissions = [];
    return emissions;
  }

  deliver(actor: string, input: string, message: unknown): void {
    const running = this.#actors.get(actor);
    if (!running) throw new ErrataError('E_PLAN', `no actor "${actor}" in stage ${this.options.stage.name}`);
    running.actor.onMessage(input, message, running.context);
  }

  isAtHome({ codec, topic }: InputPlan, ids: KeyFields): boolean {
    if (codec.type !== 'source' || codec.keyed === null) return true;
    const { by, partitioner } = codec.keyed;
    const key = ids[by];
    // A record without an id joins nothing, and may stand anywhere.
    if (key === undefined) return by === 'prediction_id';
    const { plan, partition } = this.options;
    return partitionOf(partitioner, key, plan.partitions[topic]!) === partition;
  }

  actor(name: string): Actor | undefined {
    return this.#actors.get(name)?.actor;
  }

  /** Null where they are not kept as bytes. */
  entriesOf(actor: string): EntryBytes | null {
    return this.#actors.get(actor)?.context.expiring.bytes ?? null;
  }

  note(message: MessageType, value: object): void {
    if (OF_INTEREST.has(message)) this.#emissions.push({ message, value });
  }

  deadLetter(record: SourceRecord, reason: BadRecord): void {
    setAside(this.options, this.options.plan.dead_letter_topic, record, reason);
  }

  late(key: string, value: SourceRecord | object, code = 'late'): void {
    const { plan, effects } = this.options;
    if (isSourceRecord(value)) {
      setAside(this.options, plan.late_topic, value, {
        code: 'late',
        message: 'came after its windows were closed for good',
      });
      return;
    }
    const partition = partitionForKey(Buffer.from(key), plan.partitions[plan.late_topic]!);
    effects.write({
      topic: plan.late_topic,
      partition,
      key,
      value: JSON.stringify(value),
      headers: { ...DATA_HEADERS, 'errata.code': code },
    });
  }

  /** When what is gathered outside of the state would come too late. */
  get held_back_ms(): number {
    let held_ms = Number.POSITIVE_INFINITY;
    for (const { actor } of this.#holding) held_ms = Math.min(held_ms, actor.holdsBack!());
    return held_ms;
  }

  /** What windows that are about to close still miss. */
  handOn(watermark_ms: number): void {
    for (const { actor, context } of this.#holding)
      if (actor.holdsBack!() <= watermark_ms) this.#attempt(() => actor.onCommit?.(context));
  }

  #tellWatermark(): void {
    for (const { actor, context } of this.#actors.values())
      if (actor.onWatermark) this.#attempt(() => actor.onWatermark?.(context));
  }

  /** Without `onBad` there is no record to blame: what is thrown ends the task. */
  #attempt(act: () => void, onBad?: (reason: BadRecord) => void): void {
    const { state, effects, ledger } = this.options;
    state.checkpoint();
    effects.checkpoint();
    const emitted = this.#emissions.length;
    try {
      act();
    } catch (error) {
      if (!onBad || isStoreFailure(error)) throw error;
      state.undo();
      effects.undo();
      ledger.drop();
      this.#emissions.length = emitted;
      onBad(describeFailure(error));
    }
    ledger.settle();
  }
}

/** No record is to blame. */
const STORE_FAILURES: ReadonlySet<string> = new Set(['E_STATE_STORE', 'E_STATE_TOO_LARGE']);

function isStoreFailure(error: unknown): boolean {
  return error instanceof ErrataError && STORE_FAILURES.has(error.code);
}

class ActorContext implements Context {
  readonly state: State;
  readonly expiring: ExpiringStore;
  readonly #stage: ActorStage;
  readonly #plan: ActorPlan;
  readonly #messages: ReadonlyMap<string, MessageType>;

  constructor(stage: ActorStage, plan: ActorPlan, messages: ReadonlyMap<string, MessageType>) {
    this.#stage = stage;
    this.#plan = plan;
    this.#messages = messages;
    this.state = stage.options.state.store(plan.name);
    this.expiring = stage.options.state.expiring(plan.name);
  }

  get now_ms(): number {
    return this.#stage.options.now();
  }

  get watermark_ms(): number {
    return this.#stage.watermark_ms;
  }

  emit(output: string, key: string, value: object): void {
    const message = this.#messages.get(output);
    if (!message) throw new ErrataError('E_PLAN', `actor "${this.#plan.name}" has no output "${output}"`);
    this.#stage.note(message, value);
    for (const target of this.#plan.outputs[output] ?? []) this.#send(target, message, key, value);
  }

  #send(target: TargetPlan, message: MessageType, key: string, value: object): void {
    if (target.to === 'actor') {
      this.#stage.deliver(target.actor, target.input, value);
      return;
    }
    const { plan, effects } = this.#stage.options;
    const { topic } = target;
    const partitions = plan.partitions[topic]!;
    if (message === 'source_record' && !target.internal) {
      const passed_on = writePassedOn(value as SourceRecord);
      effects.write({
        topic,
        partition: partitionForKey(passed_on.key ?? Buffer.from(key), partitions),
        ...passed_on,
      });
      return;
    }
    const partition = partitionForKey(Buffer.from(key), partitions);
    if (message === 'source_record')
      effects.write({ topic, partition, ...writeRekeyed(value as SourceRecord) });
    else if (message === 'window_delta' && target.internal)
      effects.bundle(topic, partition, JSON.stringify(packDelta(value as WindowDelta)));
    else {
      const headers = target.internal ? DATA_HEADERS : {};
      effects.write({ topic, partition, key, value: JSON.stringify(value), headers });
    }
  }

  setTimer(time_ms: number, key: string): void {
    this.#stage.timers.set({ time_ms, actor: this.#plan.name, key });
  }

  observe(time_ms: number): void {
    this.#stage.in_hand?.observe(time_ms);
  }

  isAtHome(ids: KeyFields): boolean {
    const input = this.#stage.in_hand?.input;
    return input === undefined || this.#stage.isAtHome(input, ids);
  }

  count(account: string, disposition: string, delta: number): void {
    this.#stage.options.ledger.count(account, disposition, delta);
  }

  deadLetter(record: SourceRecord, reason: BadRecord): void {
    this.#stage.deadLetter(record, reason);
  }

  late(key: string, value: SourceRecord | object, code?: string): void {
    this.#stage.late(key, value, code);
  }
}

function isSourceRecord(value: SourceRecord | object): value is SourceRecord {
  return 'source' in value && 'offset' in value && 'timestamp_ms' in value;
}
