/** Where a task begins to read: where it was left, or where the plan says that one begins that has never committed. */
import type { Logger } from 'pino';
import type { InputPlan } from './plan.ts';

/** In the place of a committed offset where there is none, and one is to be committed whatever comes. */
export const NEVER_COMMITTED = -1;

export interface FirstOffset {
  position: number;
  /** What is committed already, as far as the task is concerned. */
  committed: number;
  /** It has never committed. */
  is_fresh: boolean;
}

/** `end`: the offset behind the last record of a topic's partition. */
export async function firstOffset(
  { topic, start }: InputPlan,
  committed: number | null,
  end: (topic: string) => Promise<number>,
  log: Logger,
): Promise<FirstOffset> {
  if (committed !== null) return { position: committed, committed, is_fresh: false };
  if (start !== 'latest') return { position: 0, committed: 0, is_fresh: true };
  const position = await end(topic);
  log.warn(
    { topic, position },
    'nothing is committed: it begins at the end, and leaves out what stands before',
  );
  return { position, committed: NEVER_COMMITTED, is_fresh: true };
}
