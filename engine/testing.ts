/** For tests of the engine's parts: chunks as the log reader hands them out, and inputs that read them. */
import { encodeBatch, readBatchHeader } from '../wire/record_batch.ts';
import { unpackedRecords } from '../wire/record_cursor.ts';
import type { Commit } from './committer.ts';
import type { Chunk, LogRecord } from './partition_reader.ts';
import type { InputPlan, TimePlan } from './plan.ts';
import type { TaskState } from './state.ts';
import { TaskInput } from './task_input.ts';

export function logRecord(offset: number, changed: Partial<LogRecord> = {}): LogRecord {
  return { offset, timestamp_ms: 0, key: null, value: null, headers: {}, ...changed };
}

/** One batch per record, so that offsets may have gaps. */
export function chunkOf(
  records: LogRecord[],
  next_offset = (records.at(-1)?.offset ?? -1) + 1,
  size_bytes = records.length * 100,
  /** Of which the offsets follow each other. */
  records_per_batch = 1,
): Chunk {
  const batches = inPortions(records, records_per_batch).map((portion) => {
    const written = portion.map(({ headers, ...record }) => ({
      ...record,
      headers: Object.entries(headers).map(headerBytes),
    }));
    const batch = encodeBatch(written, { base_offset: portion[0]!.offset });
    const header = readBatchHeader(batch, 0)!;
    return { header, records: unpackedRecords(batch, header) };
  });
  return { batches, from_offset: 0, next_offset, size_bytes };
}

function inPortions<Item>(items: readonly Item[], size: number): Item[][] {
  const count = Math.ceil(items.length / size);
  return Array.from({ length: count }, (_, index) => items.slice(index * size, (index + 1) * size));
}

function headerBytes([name, value]: [string, string]): [string, Buffer] {
  return [name, Buffer.from(value)];
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

export interface ChangeText {
  key: string;
  value: string | null;
}

/** What a commit writes to the changelog. Of what is packed the text is good for longer. */
export function changeTexts({
  changes,
  packed,
}: Pick<Commit['changelog'], 'changes' | 'packed'>): ChangeText[] {
  const unpacked = Array.from({ length: packed?.length ?? 0 }, (_, index) => packed!.at(index));
  return [
    ...changes,
    ...unpacked.map(({ key, value }) => ({ key: key.toString(), value: value?.toString() ?? null })),
  ];
}

/** What the next commit of `state` would write to the changelog. */
export function changedTexts(state: TaskState): ChangeText[] {
  return changeTexts(state.takeChanges());
}
