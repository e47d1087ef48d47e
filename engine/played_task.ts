/** For tests: a task whose log and commits the test plays. */
import pino from 'pino';
import type { Commit, Committer } from './committer.ts';
import { InHand } from './in_hand.ts';
import type { LogReader, PartitionSink } from './log_reader.ts';
import type { LogRecord } from './partition_reader.ts';
import type { ResolvedPlan, StagePlan } from './plan.ts';
import { Task, type TaskPorts } from './task.ts';
import { type ChangeText, changeTexts, chunkOf } from './testing.ts';

/** Of partition 0. `changes`: what its commits wrote to the changelog. */
export function playedTask(plan: ResolvedPlan, stage: StagePlan, ports: Partial<TaskPorts> = {}) {
  const sinks = new Map<string, PartitionSink>();
  const commits: Commit[] = [];
  const changes: ChangeText[] = [];
  const reader = {
    add: (topic: string, _partition: number, _position: number, sink: PartitionSink) => {
      // There is nothing to restore.
      if (topic === stage.changelog) sink.onChunk(chunkOf([]), 0);
      else sinks.set(topic, sink);
    },
    remove: (topic: string) => sinks.delete(topic),
    seek: () => undefined,
    wake: () => undefined,
  } as unknown as LogReader;
  const committer = {
    commit: async (_task: string, commit: Commit) => {
      commits.push(commit);
      changes.push(...changeTexts(commit.changelog));
    },
    open: async () => undefined,
    trouble: () => null,
    abandon: () => undefined,
  } as unknown as Committer;
  const failures: Error[] = [];
  const task = new Task(
    { id: `${stage.name}/0`, plan, stage, partition: 0, paused: new Set(), suspicion: null },
    {
      connectors: null,
      reader,
      committer,
      cluster_id: 'c',
      committedOffsets: async (inputs) => inputs.map(() => null),
      endOffset: async () => 0,
      runJob: () => new Promise(() => undefined),
      onEmissions: () => undefined,
      onFailed: (_, error) => failures.push(error),
      onCleared: () => undefined,
      in_hand: new InHand(InHand.memory()),
      now: Date.now,
      ...ports,
    },
    pino({ level: 'silent' }),
  );
  const give = (topic: string, records: LogRecord[], end_offset: number, records_per_batch = 1) =>
    sinks.get(topic)!.onChunk(chunkOf(records, undefined, undefined, records_per_batch), end_offset);
  return { task, give, commits, changes, failures, sinks };
}
