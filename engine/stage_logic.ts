/** What a task does with its records: hand them to actors, or run the training jobs they ask for. */
import type { Evaluation } from '../messages/evaluation.ts';
import { HEARTBEAT_HEADER } from '../messages/heartbeat.ts';
import type { TrainingJob } from '../messages/training_job.ts';
import { partitionForKey } from '../wire/murmur2.ts';
import { ActorStage, type ActorStageOptions, type Emission } from './actor_stage.ts';
import type { LogRecord } from './partition_reader.ts';
import { DATA_HEADERS, readInternal } from './record_format.ts';
import type { TaskInput } from './task_input.ts';
import type { TaskTime } from './task_time.ts';
import { EventTimeInput } from './watermarks.ts';

export interface StageLogic {
  onRecord(input: TaskInput, record: LogRecord): Promise<void> | undefined;
  advance(watermark_ms: number): void;
  closeOpenWindows(): void;
  beforeCommit(): void;
  takeEmissions(): Emission[];
}

/** Trains, evaluates, stores; the same job again is answered with the same evaluation. */
export type RunJob = (job: TrainingJob) => Promise<Evaluation>;

export type StageLogicOptions = ActorStageOptions & { time: TaskTime; runJob: RunJob };

export function createStageLogic(options: StageLogicOptions): StageLogic {
  return options.stage.kind === 'training' ? trainingLogic(options) : actorLogic(options);
}

function actorLogic(options: StageLogicOptions): StageLogic {
  const { time } = options;
  const stage = new ActorStage(options, time.watermark_ms);
  return {
    onRecord: (input, record) => {
      const { codec } = input.plan;
      if (codec.type === 'source' && !codec.rekeyed) onSource(stage, input, codec.source, record);
      else onInternal(stage, time, input, record);
      return undefined;
    },
    advance: (watermark_ms) => stage.advance(watermark_ms),
    closeOpenWindows: () => stage.closeOpenWindows(),
    beforeCommit: () => stage.beforeCommit(),
    takeEmissions: () => stage.takeEmissions(),
  };
}

function onSource(stage: ActorStage, input: TaskInput, source: string, record: LogRecord): void {
  const { clock } = input;
  if (!(clock instanceof EventTimeInput)) return;
  const heartbeat_ms = Number(record.headers[HEARTBEAT_HEADER]);
  if (record.headers[HEARTBEAT_HEADER] !== undefined && Number.isFinite(heartbeat_ms))
    clock.heartbeat(heartbeat_ms);
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
    failure = error;
  }
  if (parsed?.type === 'watermark') time.accept(input, parsed.record);
  else
    stage.onInternalRecord(input.plan, record, () => {
      if (!parsed) throw failure;
      return parsed.value;
    });
}

/** One job at a time; the evaluation is written where the rollout actor reads. */
function trainingLogic({ plan, effects, runJob }: StageLogicOptions): StageLogic {
  const topic = plan.training!.evaluations_topic;
  return {
    onRecord: async (_, record) => {
      const parsed = readInternal(record);
      if (parsed.type !== 'data') return;
      const evaluation = await runJob(parsed.value as TrainingJob);
      const key = evaluation.deployment_id;
      const partition = partitionForKey(Buffer.from(key), plan.partitions[topic]!);
      effects.write({ topic, partition, key, value: JSON.stringify(evaluation), headers: DATA_HEADERS });
    },
    advance: () => undefined,
    closeOpenWindows: () => undefined,
    beforeCommit: () => undefined,
    takeEmissions: () => [],
  };
}
