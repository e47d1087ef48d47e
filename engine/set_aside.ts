/** Puts records that were not taken where people find them, with the reason. */
import type { BadRecord, SourceRecord } from '../actors/actor.ts';
import { ErrataError } from '../messages/errata_error.ts';
import type { Effects } from './effects.ts';
import type { ResolvedPlan } from './plan.ts';
import { writeDeadLetter } from './record_format.ts';

/** `topic` is the plan's dead-letter or late topic. */
export function setAside(
  { plan, effects }: { plan: ResolvedPlan; effects: Effects },
  topic: string,
  record: SourceRecord,
  reason: BadRecord,
): void {
  const partition = record.partition % plan.partitions[topic]!;
  effects.write({ topic, partition, ...writeDeadLetter(record, reason) });
}

/** What was thrown, as the reason of a dead letter. */
export function describeFailure(error: unknown): BadRecord {
  if (error instanceof ErrataError) return { code: error.code, message: error.message, stack: error.stack };
  if (error instanceof Error) return { code: 'actor_failed', message: error.message, stack: error.stack };
  return { code: 'actor_failed', message: String(error) };
}
