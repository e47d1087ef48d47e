/** For tests of the engine's parts: chunks as the log reader hands them out, and inputs that read them. */
import type { Chunk, LogRecord } from './partition_reader.ts';
import type { InputPlan, TimePlan } from './plan.ts';
import { TaskInput } from './task_input.ts';

export function logRecord(offset: number, changed: Partial<LogRecord> = {}): LogRecord {
  return { offset, timestamp_ms: 0, key: null, value: null, headers: {}, ...changed };
}

export function chunkOf(records: LogRecord[], next_offset = (records.at(-1)?.offset ?? -1) + 1): Chunk {
  return { records, next_offset, size_bytes: records.length * 100 };
}

export function inputPlan(topic: string, time: TimePlan): InputPlan {
  return { topic, actor: 'actor', input: 'input', codec: { type: 'internal' }, time };
}

export function taskInput(plan: InputPlan, clock: TaskInput['clock']): TaskInput {
  return new TaskInput(
    { plan, partition: 0, position: 0, clock },
    () => undefined,
    () => undefined,
  );
}
