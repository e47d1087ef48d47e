/**
 * What the engine runs: stages of fused actors with topics between them. Made by topology/ from YAML, plain JSON,
 * so that it can be printed, compared and sent to a worker.
 */

import type { MessageType } from '../actors/actor.ts';

export const PLAN_VERSION = 1;

export interface Plan {
  version: typeof PLAN_VERSION;
  namespace: string;
  topology: string;
  /** Consumer group of all stages: `{namespace}.{topology}`. */
  group_id: string;
  workers: number;
  commit_interval_ms: number;
  guarantee: Guarantee;
  state: StatePlan;
  /** A worker of which nothing is heard for so long is ended and started again. */
  watchdog_ms: number;
  /** Of the JavaScript heap of each worker; absent: what Node gives it. */
  worker_heap_mb?: number;
  /** Of the topics that are made; absent: what the brokers are set to. */
  replication?: number;
  /** Every topic that is read or written, in the order in which they are to be made. */
  topics: TopicPlan[];
  stages: StagePlan[];
  /** Connectors that bring records in; each process runs all of them. Absent where others write all topics. */
  sources?: SourcePlan[];
  dead_letter_topic: string;
  late_topic: string;
  /** Absent where nothing retrains. */
  training?: TrainingPlan;
}

/** Where the state of tasks is kept, besides in their changelogs. `path` may be relative to the working directory. */
export type StatePlan = { store: 'memory' } | { store: 'lmdb'; path: string };

/** Whether a crash may repeat what was not committed. */
export type Guarantee = 'exactly_once' | 'at_least_once';

/** A plan with the partition counts that the topics really have. */
export interface ResolvedPlan extends Plan {
  partitions: Record<string, number>;
}

export type TopicPurpose =
  | 'source'
  | 'sink'
  | 'repartition'
  | 'changelog'
  | 'partitions'
  | 'outcomes'
  | 'dead_letter'
  | 'late';

export interface TopicPlan {
  name: string;
  purpose: TopicPurpose;
  /**
   * How many partitions a missing topic is made with. `like` takes the count that another topic really has:
   * a changelog follows its stage's input.
   */
  partitions: { count: number } | { like: string };
  config: Record<string, string>;
}

export interface SourcePlan {
  /** That of the source in the topology. */
  name: string;
  kind: string;
  /** Validated, defaults filled in; secrets stand elsewhere. */
  config: unknown;
  /** Where it writes. */
  topic: string;
  /** A stage behind `topic` drops repetitions by the ids of the records. */
  deduplicated: boolean;
}

export interface SinkPlan {
  /** That of the sink in the topology. */
  name: string;
  kind: string;
  /** What its records are. */
  message: MessageType;
  /** As in SourcePlan. */
  config: unknown;
}

/**
 * Each topic is an input of at most one stage, so one group's committed offsets suffice; but for sinks that read a source's
 * topic, whose offsets have a name of their own.
 */
export interface StagePlan {
  name: string;
  kind: 'actors' | 'training' | 'sink';
  /** Partition p of each input belongs to task p: all inputs have the same number of partitions. */
  inputs: InputPlan[];
  actors: ActorPlan[];
  /** Of a stage of kind `sink`: where its records go. */
  sink?: SinkPlan;
  /** Where the state is logged; absent for a stage without state. */
  changelog?: string;
  /** A topic without records: its partition count is the one that the stage began with. Where there is no changelog. */
  partitions_topic?: string;
}

export interface InputPlan {
  topic: string;
  /**
   * Under whose name the group keeps the offsets of `topic`, and assigns it: a topic without records and with as many
   * partitions. Absent: its own.
   */
  offsets_topic?: string;
  /** Who gets it: actor and input name. */
  actor: string;
  input: string;
  /** `source`: raw records of the user's source of that name. `internal`: JSON written by errata. */
  codec: { type: 'source'; source: string; rekeyed: boolean; keyed: Keyed | null } | { type: 'internal' };
  time: TimePlan;
  /** Where it begins for who has never committed; absent: at the first record. */
  start?: 'latest';
}

/** What the producers of a source declare: by which field they place its records, and how. */
export interface Keyed {
  by: 'prediction_id' | 'deployment_id';
  partitioner: Partitioner;
}

export type Partitioner = 'murmur2' | 'crc32';

/** Where an input's watermark comes from. */
export type TimePlan =
  /** From event times of its records, less the disorder; `idle_ms` null: never idle. */
  | { type: 'event_time'; disorder_ms: number; idle_ms: number | null; clock: 'wall' | 'event' }
  /** From watermark records of all tasks of the upstream stages. */
  | { type: 'watermark_records'; upstream: { stage: string; partitions_of: string }[] }
  /** It carries no event time; it never holds the watermark. */
  | { type: 'none' };

export interface ActorPlan {
  name: string;
  kind: string;
  /** Validated, defaults filled in. */
  config: unknown;
  outputs: Record<string, TargetPlan[]>;
}

export type TargetPlan =
  | { to: 'actor'; actor: string; input: string }
  /**
   * `internal`: errata's own topic, whose records carry their format.
   * `watermarks`: the task also writes its watermark to every partition of this topic.
   */
  | { to: 'topic'; topic: string; internal: boolean; watermarks: boolean };

export interface TrainingPlan {
  /** Stage that runs the jobs. */
  stage: string;
  outcomes_topic: string;
  /** Built-in name or absolute path of the trainer module. */
  trainer: string;
  /** Passed to training/ as it stands in the topology. */
  config: unknown;
  evaluations_topic: string;
}

/** Under whose name the offsets of an input are committed. */
export function offsetsTopic({ topic, offsets_topic }: Pick<InputPlan, 'topic' | 'offsets_topic'>): string {
  return offsets_topic ?? topic;
}

/** `{namespace}.{topology}.{stage}.{purpose}`: so that several environments and replays share one Kafka. */
export function internalName(
  plan: { namespace: string; topology: string },
  stage: string,
  purpose: string,
): string {
  return `${plan.namespace}.${plan.topology}.${stage}.${purpose}`;
}
