/** What a topology says of interest to people, as it is told to whoever watches once it is committed. */
import type { MessageType } from '../actors/actor.ts';

export interface Emission {
  message: MessageType;
  value: object;
}

export const OF_INTEREST: ReadonlySet<MessageType> = new Set<MessageType>([
  'window',
  'assessment',
  'alert',
  'rollout',
]);

/** How many of the latest windows, assessments, alerts and rollouts are told and kept, of each. */
export const LATEST_MAX = 200;

export interface Told {
  counts: Partial<Record<MessageType, number>>;
  /** At most `LATEST_MAX` of each message, in their order: of very many windows, all would cost more than they are worth. */
  latest: Emission[];
}

export function summedUp(emissions: readonly Emission[]): Told {
  const counts: Told['counts'] = {};
  const latest: Emission[] = [];
  for (const emission of emissions.toReversed()) {
    const count = (counts[emission.message] ?? 0) + 1;
    counts[emission.message] = count;
    if (count <= LATEST_MAX) latest.push(emission);
  }
  return { counts, latest: latest.reverse() };
}
