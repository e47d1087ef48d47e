/** For tests: what a task says of records that are read in the short way, or in the ordinary one. */
import assert from 'node:assert/strict';
import { RegionMemory } from '../../actors/region_memory.ts';
import type { ScannedCapture } from '../../actors/scanned_capture.ts';
import type { OutputRecord } from '../../engine/effects.ts';
import type { LedgerEntries } from '../../engine/ledger.ts';
import type { LogRecord } from '../../engine/partition_reader.ts';
import type { ResolvedPlan } from '../../engine/plan.ts';
import { playedTask } from '../../engine/played_task.ts';
import type { ChangeText } from '../../engine/testing.ts';
import { lint } from '../../topology/lint.ts';
import { makePlan } from '../../topology/plan.ts';
import { until } from '../harness/until.ts';

export const NOON = Date.UTC(2024, 0, 1, 12);
export const PARTITIONS = 2;
const RECORDS_PER_BATCH = 20;

/** Of a topology that commits seldom, so that all there is stands in one commit. */
export function scannedPlan(text: string): ResolvedPlan {
  const { graph, problems } = lint(text, 'scanned.yaml', {});
  assert.ok(graph, JSON.stringify(problems));
  const plan = makePlan(graph);
  return { ...plan, partitions: Object.fromEntries(plan.topics.map(({ name }) => [name, PARTITIONS])) };
}

export interface Played {
  outputs: OutputRecord[];
  changes: ChangeText[];
  ledger: LedgerEntries;
}

/** What the first stage's task of partition 0 says of these chunks of `in.events`. */
export async function playScanned(plan: ResolvedPlan, chunks: LogRecord[][]): Promise<Played> {
  const ports = { now: () => NOON };
  const { task, sinks, commits, changes, failures, give } = playedTask(plan, plan.stages[0]!, ports);
  task.start();
  await until(() => sinks.size > 0, 'the task reads');
  const end_offset = (chunks.flat().at(-1)?.offset ?? -1) + 1;
  for (const chunk of chunks) if (chunk.length > 0) give('in.events', chunk, end_offset, RECORDS_PER_BATCH);
  await until(() => task.status().inputs[0]?.position === end_offset || failures.length > 0, 'all is read');
  // A task that is stopped tells nothing of its ledger.
  const { ledger } = task.status();
  await task.stop('commit');
  assert.deepEqual(failures, []);
  return { outputs: commits.flatMap((commit) => commit.outputs), changes, ledger };
}

/** How many records were taken, and how many of them as they stood in their batch. */
export interface Taken {
  all: number;
  in_runs: number;
}

/** Counts what instances of the class take, as long as `act` runs: without it nothing would show that anything is. */
export async function takenBy(
  scanned: { prototype: ScannedCapture },
  act: () => Promise<void>,
): Promise<Taken> {
  const { take, takeRecords } = scanned.prototype;
  const taken = { all: 0, in_runs: 0 };
  scanned.prototype.take = function (record, watermark_ms) {
    const is_taken = take.call(this, record, watermark_ms);
    if (is_taken) taken.all++;
    return is_taken;
  };
  scanned.prototype.takeRecords = function (run, most) {
    const more = takeRecords.call(this, run, most);
    taken.all += more;
    taken.in_runs += more;
    return more;
  };
  try {
    await act();
  } finally {
    Object.assign(scanned.prototype, { take, takeRecords });
  }
  return taken;
}

/** Has what `act` does lie above 2 GB, where addresses that are taken for signed are negative. */
export async function aboveHalfOfMemory(act: () => Promise<void>): Promise<void> {
  const { allocate } = RegionMemory.prototype;
  const lifted = new WeakSet<RegionMemory>();
  RegionMemory.prototype.allocate = function (size_bytes) {
    if (!lifted.has(this)) {
      lifted.add(this);
      allocate.call(this, 2 ** 31);
    }
    return allocate.call(this, size_bytes);
  };
  try {
    await act();
  } finally {
    RegionMemory.prototype.allocate = allocate;
  }
}
