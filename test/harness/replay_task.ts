/** Runs one task of a plan over records that a test hands it, and returns what it writes. */
import pino from 'pino';
import type { Commit, Committer } from '../../engine/committer.ts';
import type { OutputRecord } from '../../engine/effects.ts';
import { InHand } from '../../engine/in_hand.ts';
import type { LogReader, PartitionSink } from '../../engine/log_reader.ts';
import type { LogRecord } from '../../engine/partition_reader.ts';
import type { ResolvedPlan, StagePlan } from '../../engine/plan.ts';
import { Task } from '../../engine/task.ts';
import { chunkOf } from '../../engine/testing.ts';
import { until } from './until.ts';

/** A stage of one input, from the beginning, in memory. */
export async function replayTask(
  plan: ResolvedPlan,
  stage: StagePlan,
  partition: number,
  records: LogRecord[],
): Promise<OutputRecord[]> {
  const commits: Commit[] = [];
  const { changelog: _, ...without_changelog } = stage;
  let sink: PartitionSink | undefined;
  const task = new Task(
    {
      id: `${stage.name}/${partition}`,
      plan,
      stage: without_changelog,
      partition,
      paused: new Set(),
      suspicion: null,
    },
    {
      connectors: null,
      reader: {
        add: (_topic: string, _partition: number, _position: number, added: PartitionSink) => {
          sink = added;
        },
        remove: () => undefined,
        seek: () => undefined,
        wake: () => undefined,
      } as unknown as LogReader,
      committer: {
        commit: async (_task: string, commit: Commit) => {
          commits.push(commit);
        },
        open: async () => undefined,
        trouble: () => null,
        abandon: () => undefined,
      } as unknown as Committer,
      cluster_id: 'replay',
      endOffset: async () => 0,
      committedOffsets: async (inputs) => inputs.map(() => null),
      runJob: () => new Promise(() => undefined),
      onEmissions: () => undefined,
      onCleared: () => undefined,
      in_hand: new InHand(InHand.memory()),
      onFailed: (_task, error) => {
        throw error;
      },
      now: Date.now,
    },
    pino({ level: 'silent' }),
  );
  task.start();
  await until(() => sink !== undefined, 'the task reads');
  const end_offset = (records.at(-1)?.offset ?? -1) + 1;
  if (records.length > 0) sink!.onChunk(chunkOf(records), end_offset);
  const position = () => commits.flatMap(({ offsets }) => offsets).at(-1)?.offset ?? 0;
  await until(() => position() >= end_offset, 'all records are processed');
  await task.stop('commit');
  return commits.flatMap(({ outputs }) => outputs);
}
