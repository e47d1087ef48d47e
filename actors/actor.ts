/**
 * The contract of an actor: a function of its state, a message and a context that leaves effects in the context.
 *
 * 1. An actor does no I/O and reads neither clock nor dice: all it may use is handed in.
 * 2. All it does is said through `Context`; the engine commits those effects together or not at all.
 * 3. A value from the state belongs to the state: change it only together with a `set`, and only after everything
 *    that may throw. When `onMessage` throws, the engine drops the effects of that message and dead-letters it.
 * 4. Memory outside the state is lost at every commit: what an actor gathers there it must emit in `onCommit`, which is
 *    also called before the watermark passes what `holdsBack` says.
 * 5. Of a watermark a task tells its actors so: all due timers, by time, then `onWatermark` in the order of the plan,
 *    then each actor's entries that have expired, by time; all that before the next message.
 *    Of a commit likewise upstream first, and what one actor emits reaches the next before that one is told.
 * 6. A watermark of positive infinity says that all inputs were read to their end (`clock: event`): what is open is
 *    to be told, but kept, for event time has not passed and more may come.
 */
import type { Static, TObject } from 'typebox';
import type { ScannedRecord } from '../messages/scanned_record.ts';
import type { RegionMemory } from './region_memory.ts';

/** A record of a source topic, as it came. */
export interface SourceRecord {
  /** The source's name in the topology. */
  source: string;
  /** Where it first stood, also after it was re-keyed through an internal topic. */
  topic: string;
  partition: number;
  offset: number;
  /** Kafka's timestamp. */
  timestamp_ms: number;
  key: Buffer | null;
  value: Buffer | null;
  headers: Record<string, string>;
}

/** Keyed state of one actor in one task. Survives restarts; values must be JSON. */
export interface State {
  get<Value>(key: string): Value | undefined;
  set<Value>(key: string, value: Value): void;
  delete(key: string): void;
  /** All entries whose key starts with `prefix`, in no particular order. Deleting while iterating is allowed. */
  entries<Value>(prefix: string): Iterable<[key: string, value: Value]>;
}

/** A value that says when it goes. */
export interface Expiring {
  expires_ms: number;
}

/** As `State`; an entry goes by itself once the watermark has reached its `expires_ms`. Costs no timer. */
export interface ExpiringState {
  get<Value extends Expiring>(key: string): Value | undefined;
  set<Value extends Expiring>(key: string, value: Value): void;
  delete(key: string): void;
  entries<Value extends Expiring>(prefix: string): Iterable<[key: string, value: Value]>;
  /** The same entries as bytes; null where they are not kept so. */
  readonly bytes: EntryBytes | null;
}

/**
 * Entries of an `ExpiringState` as the bytes of their keys and of their JSON: for who goes through so many that objects
 * would cost too much. What is changed so is not taken back where an actor throws: so all that may throw comes first.
 */
export interface EntryBytes {
  /** True where there is an entry under the key that stands in `key` up to `key_end`: it is in hand until the next change. */
  find(key: Buffer, key_end: number): boolean;
  /** How many entries there are whose key begins with this byte. */
  countOf(first_byte: number): number;
  /** The entry that expires first, if at `until_ms` or before: it is in hand. */
  findDue(until_ms: number): boolean;
  /** Of the entry in hand: its key stands in `bytes` from `key_start`, its JSON from `value_start` to `value_end`. */
  readonly bytes: Buffer;
  readonly view: DataView;
  readonly key_start: number;
  readonly value_start: number;
  readonly value_end: number;
  readonly expires_ms: number;
  /** A small number that goes with the entry for as long as it is in memory, and is not told to the changelog; 0 at first. */
  mark: number;
  /** Under a key that has none; it is in hand afterwards. `value` holds its JSON up to `value_end`, which says the same `expires_ms`. */
  add(key: Buffer, key_end: number, value: Buffer, value_end: number, expires_ms: number): void;
  /** Of the entry in hand, with the same expiry. */
  replace(value: Buffer, value_end: number): void;
  /** The entry in hand. */
  remove(): void;
  /** In which they lie, and can be joined with records as they stand in their batch (scanned_join.ts). */
  readonly memory: RegionMemory;
  /** Room for an entry that the join in memory had no room for. */
  makeRoom(): void;
  /** What the join in memory has added goes when it expires, from now on. */
  admit(): void;
}

/** What can become of a record that was taken in; exactly one is current for each. */
export type Disposition =
  | 'pending'
  | 'joined'
  | 'unjoinable'
  | 'expired'
  | 'late'
  | 'duplicate'
  /** There was no room for the window that it would have opened. */
  | 'refused'
  | 'dead_lettered'
  /** By an actor that only stands in front of those who take records in. */
  | 'passed_on';

/** What a source may be keyed by. */
export interface KeyFields {
  prediction_id?: string | undefined;
  deployment_id?: string | undefined;
}

export interface BadRecord {
  /** Stable, e.g. `not_json`. */
  code: string;
  message: string;
  stack?: string;
}

export interface Context {
  /** Wall clock at the start of this step. For expiry of nothing: only to stamp what people read. */
  readonly now_ms: number;
  /** Event time up to which this task's inputs are complete. `Number.NEGATIVE_INFINITY` until all have spoken. */
  readonly watermark_ms: number;
  readonly state: State;
  readonly expiring: ExpiringState;
  /** Sends `value` to whatever the topology connected to this output. */
  emit(output: string, key: string, value: object): void;
  /** Calls `onTimer(key)` once the watermark reaches `time_ms`. The same key and time are one timer. */
  setTimer(time_ms: number, key: string): void;
  /** Event time of the source record in hand: moves the watermark of the partition it came from. */
  observe(time_ms: number): void;
  /** False where the record in hand, which names these, stands in a partition in which it does not belong. */
  isAtHome(ids: KeyFields): boolean;
  /** Adds `delta` records of `account` (a source or a window's name) to a disposition of the ledger. */
  count(account: string, disposition: Disposition | 'windowed', delta: number): void;
  /** Sends a source record to the dead-letter topic and counts it. */
  deadLetter(record: SourceRecord, reason: BadRecord): void;
  /**
   * Sends a source record, or a window delta, that came too late to the late topic; `code` says where it was another
   * reason. The caller counts it.
   */
  late(key: string, value: SourceRecord | object, code?: string): void;
}

/** Records of a batch, as they stand in it, and how time stands while they are taken. */
export interface RecordRun {
  bytes: Buffer;
  /** Where the next one begins. */
  position: number;
  base_timestamp_ms: number;
  /** False: all were written at `base_timestamp_ms`. */
  has_own_times: boolean;
  /** Of the last one that was taken, from the batch's first. */
  offset_delta: number;
  max_record_bytes: number;
  max_ahead_ms: number;
  lateness_ms: number;
  /** The watermark is what was reached, as far as others let it, and never less than this. */
  watermark_ms: number;
  held_ms: number;
  /** What the records have moved time to: the latest of them less the disorder. */
  reached_ms: number;
  disorder_ms: number;
  /** No record is taken once the watermark is here. */
  due_ms: number;
}

/** Events of records that capture would only pass on. What it does not take comes as a message instead. */
export interface ScannedInput {
  /** True if `add` may follow. `isAtHome` is asked once per key. */
  takes(record: ScannedRecord, isAtHome: (deployment_id: string) => boolean): boolean;
  add(record: ScannedRecord, watermark_ms: number): void;
  /** As `add`, of a prediction that feedback may follow on: it is no event by itself. */
  addJoinable(record: ScannedRecord, watermark_ms: number): void;
  /**
   * Takes records as long as they are as usual, `most` of them, each as `takes` and `add` would; says how many. `makeRoom`: for
   * the entries of who joins them in the same memory.
   */
  takeRecords(
    run: RecordRun,
    most: number,
    isAtHome: (deployment_id: string) => boolean,
    makeRoom?: () => void,
  ): number;
  /** Before the first record: what it holds is to lie in this memory. */
  shareMemory(memory: RegionMemory): void;
  /** The event time at which what it holds would come too late; `add` may bring it forward. */
  readonly due_ms: number;
  /** What it holds takes much memory, and is to be handed on. */
  readonly is_full: boolean;
}

export interface Actor {
  onMessage(input: string, message: unknown, context: Context): void;
  onTimer?(key: string, time_ms: number, context: Context): void;
  /** When what it gathers would come too late: `onCommit` is called before the watermark gets there. */
  holdsBack?(): number;
  /** The watermark has reached the entry's expiry, and it has gone. */
  onExpired?(key: string, value: Expiring, context: Context): void;
  /** As `onExpired`, of the entry in hand, which goes afterwards; false: `onExpired` is to be asked, and nothing was done. */
  onExpiredBytes?(entries: EntryBytes, context: Context): boolean;
  /** How it counts source records that were scanned and never became messages; absent: it cannot. */
  readonly scanned?: ScannedInput;
  /** The watermark has advanced to `context.watermark_ms`. */
  onWatermark?(context: Context): void;
  /** The effects so far are about to be committed. */
  onCommit?(context: Context): void;
}

/** Who the actor is: part of every id it derives. */
export interface ActorScope {
  topology: string;
  actor: string;
}

/** The types of message that flow between actors; an output may only be connected to an input of its type. */
export type MessageType =
  | 'source_record'
  | 'event'
  | 'outcome'
  | 'window_delta'
  | 'window'
  | 'assessment'
  | 'alert'
  | 'training_job'
  | 'evaluation'
  | 'rollout'
  | 'kept_revision';

/** By what the messages of a stream are keyed. Equal partitionings can be fused into one stage. */
export type Partitioning = 'prediction_id' | 'window_key' | 'deployment_id';

export interface OutputSpec {
  message: MessageType;
  summary: string;
}

export interface ActorKind {
  readonly kind: string;
  /** True for what the planner puts in by itself and a topology may not name. */
  readonly internal?: boolean;
  /** Of an internal kind: it has state beyond a commit, as all others do. */
  readonly keeps_state?: boolean;
  /**
   * The kind that runs in front of this one, in the upstream stage, with the same configuration. `from` feeds
   * the local half's input; the local half's output feeds this actor's.
   */
  readonly local_half?: string;
  /** One sentence for the reference docs. */
  readonly summary: string;
  /** A YAML example for the reference docs; a test lints it. */
  readonly example: string;
  /** Schema of the actor's entry in a topology, without `kind` and `from`. */
  readonly config: TObject;
  readonly partitioning: Partitioning;
  /** Input name → message type. */
  readonly inputs: Readonly<Record<string, MessageType>>;
  /** Output name → what flows out. The first is the one that `from: actor` means. */
  readonly outputs: Readonly<Record<string, OutputSpec>>;
  /** `config` has passed `this.config` and defaults are filled in. */
  create(config: unknown, scope: ActorScope): Actor;
}

/** Ties the type of `create`'s configuration to the schema. */
export function defineActor<Config extends TObject>(
  kind: Omit<ActorKind, 'config' | 'create'> & {
    config: Config;
    create(config: Static<Config>, scope: ActorScope): Actor;
  },
): ActorKind {
  return kind as ActorKind;
}
