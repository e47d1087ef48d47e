/** Puts records that were not taken where people find them, with the reason. */
import type { BadRecord, SourceRecord } from '../actors/actor.ts';
import { ErrataError } from '../messages/errata_error.ts';
import type { Effects } from './effects.ts';
import type { ResolvedPlan, StagePlan } from './plan.ts';
import { writeDeadLetter } from './record_format.ts';

/** Whose doing it was: of one record, each stage that reads its topic may set it aside. */
const STAGE_HEADER = 'errata.stage';

/** `topic` is the plan's dead-letter or late topic. */
export function setAside(
  { plan, stage, effects }: { plan: ResolvedPlan; stage: Pick<StagePlan, 'name'>; effects: Effects },
  topic: string,
  record: SourceRecord,
  reason: BadRecord,
): void {
  const partition = record.partition % plan.partitions[topic]!;
  const { headers, ...letter } = writeDeadLetter(record, reason);
  effects.write({ topic, partition, ...letter, headers: { ...headers, [STAGE_HEADER]: stage.name } });
}

/** What was thrown, as the reason of a dead letter. */
export function describeFailure(error: unknown): BadRecord {
  if (error instanceof ErrataError) return { code: error.code, message: error.message, stack: error.stack };
  if (error instanceof Error) return { code: 'actor_failed', message: error.message, stack: error.stack };
  return { code: 'actor_failed', message: String(error) };
}
