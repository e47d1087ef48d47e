/** What a task does with its records: hand them to actors or a connector, or run the training jobs they ask for. */
import type { Logger } from 'pino';
import { Value } from 'typebox/value';
import type { BadRecord } from '../actors/actor.ts';
import { packDelta } from '../actors/packed_delta.ts';
import type { Evaluation } from '../messages/evaluation.ts';
import { TrainingJob } from '../messages/training_job.ts';
import { partitionForKey } from '../wire/murmur2.ts';
import { ActorStage, type ActorStageOptions } from './actor_stage.ts';
import type { ConnectorModule } from './edge.ts';
import type { Emission } from './emissions.ts';
import type { LogRecord } from './partition_reader.ts';
import type { InputPlan } from './plan.ts';
import { DATA_HEADERS, isOtherVersion, readInternal, readSourceRecord } from './record_format.ts';
import { scannedSource } from './scanned_source.ts';
import { describeFailure, setAside } from './set_aside.ts';
import { SinkStage } from './sink_stage.ts';
import { heartbeatTime, maxAheadOf } from './source_heartbeat.ts';
import type { Care } from './suspicion.ts';
import type { TaskInput } from './task_input.ts';
import type { TaskTime } from './task_time.ts';
import { EventTimeInput } from './watermarks.ts';

export interface StageLogic {
  /** Takes up to `most` records of the input, and calls `advance` wherever they may have moved event time. */
  process(input: TaskInput, most: number, advance: () => void): Promise<void> | undefined;
  advance(watermark_ms: number): void;
  closeOpenWindows(): void;
  /** State is there whose time has passed: `dropExpired` comes before the next record. */
  readonly has_expired: boolean;
  dropExpired(): void;
  beforeCommit(): void;
  takeEmissions(): Emission[];
  /** What was done is to be committed before anything else. */
  readonly wants_commit?: boolean;
  /** Why it does not get on at the moment. */
  readonly trouble?: string | null;
  /** How many attempts have failed. */
  readonly failures?: number;
  close?(): Promise<void>;
}

/** Trains, evaluates, stores; the same job again is answered with the same evaluation. */
export type RunJob = (job: TrainingJob) => Promise<Evaluation>;

export type StageLogicOptions = ActorStageOptions & {
  time: TaskTime;
  care: Care;
  runJob: RunJob;
  /** Null: this process has none. */
  connectors: ConnectorModule | null;
  /** Aborted when the task is to end. */
  signal: AbortSignal;
  log: Logger;
  /** Tells those who find out what killed a thread what is being written; of a stage with one input. */
  whileUnderWay<Result>(held: UnderWay, write: () => Promise<Result>): Promise<Result>;
};

export interface UnderWay {
  /** Of the first record. */
  offset: number;
  records: number;
}

export function createStageLogic(options: StageLogicOptions): StageLogic {
  switch (options.stage.kind) {
    case 'training':
      return trainingLogic(options);
    case 'sink':
      return new SinkStage(options);
    case 'actors':
      return actorLogic(options);
  }
}

function actorLogic(options: StageLogicOptions): StageLogic {
  const { time } = options;
  const stage = new ActorStage(options, time.watermark_ms);
  const readers = new Map(options.stage.inputs.map((input) => [input, inputReader(stage, options, input)]));
  return {
    process: (input, most, advance) => {
      readers.get(input.plan)!(input, most, advance);
      return undefined;
    },
    advance: (watermark_ms) => stage.advance(watermark_ms),
    closeOpenWindows: () => stage.closeOpenWindows(),
    get has_expired() {
      return stage.has_expired;
    },
    dropExpired: () => stage.dropExpired(),
    beforeCommit: () => stage.beforeCommit(),
    takeEmissions: () => stage.takeEmissions(),
  };
}

type ReadInput = (input: TaskInput, most: number, advance: () => void) => void;

function inputReader(stage: ActorStage, { time, care }: StageLogicOptions, plan: InputPlan): ReadInput {
  const { codec } = plan;
  if (codec.type !== 'source' || codec.rekeyed)
    return oneByOne(stage, care, (input) => onInternal(stage, time, input, input.borrowed()));
  const max_ahead_ms = maxAheadOf(stage.options.stage, plan);
  const onRecord = (input: TaskInput) => onSource(stage, input, codec.source, input.borrowed(), max_ahead_ms);
  const ordinary = oneByOne(stage, care, onRecord);
  const scanned = scannedSource(stage, time, plan, onRecord);
  if (!scanned) return ordinary;
  return (input, most, advance) =>
    care.is_needed ? ordinary(input, most, advance) : scanned.take(input, most, advance);
}

/** Until there is state to be dropped first. */
function oneByOne(stage: ActorStage, care: Care, onRecord: (input: TaskInput) => void): ReadInput {
  const take = (input: TaskInput) => {
    const reason = care.condemns(input.plan.topic, input.cursor.offset);
    if (reason) stage.refuse(input.plan, input.borrowed(), reason);
    else onRecord(input);
  };
  return (input, most, advance) => {
    for (let taken = 0; taken < most && input.has_next && !stage.has_expired; taken++) {
      if (input.advance()) take(input);
      advance();
    }
  };
}

function onSource(
  stage: ActorStage,
  input: TaskInput,
  source: string,
  record: LogRecord,
  max_ahead_ms: number,
): void {
  const { clock } = input;
  if (!(clock instanceof EventTimeInput)) return;
  const heartbeat_ms = heartbeatTime(record, max_ahead_ms, stage.options.now());
  if (heartbeat_ms !== null) clock.heartbeat(heartbeat_ms);
  else stage.onSourceRecord(input.plan, source, record, (time_ms) => clock.observe(time_ms));
}

function onInternal(stage: ActorStage, time: TaskTime, input: TaskInput, record: LogRecord): void {
  const { codec } = input.plan;
  if (codec.type === 'source' && record.headers.errata === undefined) {
    stage.onSourceRecord(input.plan, codec.source, record, () => undefined);
    return;
  }
  // Whatever cannot be read is dead-lettered like a message on which an actor throws.
  let parsed: ReturnType<typeof readInternal> | undefined;
  let failure: unknown;
  try {
    parsed = readInternal(record);
  } catch (error) {
    if (isOtherVersion(error)) throw error;
    failure = error;
  }
  if (parsed?.type === 'watermark') time.accept(input, parsed.record);
  else if (parsed?.type === 'deltas')
    for (const delta of parsed.values) {
      const alone = () => ({ ...record, value: Buffer.from(JSON.stringify([packDelta(delta)])) });
      stage.onInternalRecord(input.plan, alone, () => delta);
    }
  else
    stage.onInternalRecord(
      input.plan,
      () => record,
      () => {
        if (!parsed) throw failure;
        return parsed.value;
      },
    );
}

/** One job at a time; the evaluation is written where the rollout actor reads. What is no job is dead-lettered. */
function trainingLogic(options: StageLogicOptions): StageLogic {
  const { plan, effects, partition, runJob } = options;
  const topic = plan.training!.evaluations_topic;
  return {
    process: async (task_input, _most, advance) => {
      const { plan: input } = task_input;
      const record = task_input.takeNext();
      advance();
      if (!record) return;
      const job = readJob(record);
      if (job === null) return;
      if ('code' in job) {
        const refused = readSourceRecord(input.topic, input.topic, partition, record);
        setAside(options, plan.dead_letter_topic, refused, job);
        return;
      }
      const evaluation = await runJob(job);
      const key = evaluation.deployment_id;
      const target = partitionForKey(Buffer.from(key), plan.partitions[topic]!);
      effects.write({
        topic,
        partition: target,
        key,
        value: JSON.stringify(evaluation),
        headers: DATA_HEADERS,
      });
    },
    advance: () => undefined,
    closeOpenWindows: () => undefined,
    has_expired: false,
    dropExpired: () => undefined,
    beforeCommit: () => undefined,
    takeEmissions: () => [],
  };
}

/** Null for a watermark, which a training does not wait for. */
function readJob(record: LogRecord): TrainingJob | BadRecord | null {
  try {
    const parsed = readInternal(record);
    if (parsed.type !== 'data') return null;
    if (Value.Check(TrainingJob, parsed.value)) return parsed.value;
    return { code: 'E_RECORD_FOREIGN', message: 'a record on the topic of training jobs that is no job' };
  } catch (error) {
    if (isOtherVersion(error)) throw error;
    return describeFailure(error);
  }
}
