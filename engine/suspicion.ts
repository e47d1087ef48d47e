/**
 * Finds the record that kills its task. A death in which a task had records in hand makes them suspect; the task is
 * then run with care: one record at a time, and a commit after every 1/32 of what is suspect. A second death has either one record
 * in hand, which is set aside, or fewer than the first, and they are suspect in their turn.
 *
 * So no record is set aside that has not been in hand at two deaths in succession, the last time alone, and a death
 * costs a restart, where a commit costs milliseconds: hence 32 parts and not two. Where it was being written by a sink, other
 * records may have been as well, or a former one may kill late: it has to be alone in hand at two deaths in succession.
 */
import type { BadRecord } from '../actors/actor.ts';
import type { Held } from './in_hand.ts';

export type Suspicion =
  /** The next so many records that the task takes hold the one. */
  | { type: 'among'; records: number; alone?: { topic: string; offset: number } }
  /** The first record of `topic` from `offset` on is the one. */
  | { type: 'found'; topic: string; offset: number; reason: BadRecord };

const PARTS = 32;

export function suspect(before: Suspicion | undefined, held: Held, reason: BadRecord): Suspicion {
  const { records, topic, offset, is_one, is_under_way } = held;
  if (!before || !is_one) return { type: 'among', records };
  if (is_under_way && !wasAlone(before, held)) return { type: 'among', records, alone: { topic, offset } };
  return { type: 'found', topic, offset, reason };
}

function wasAlone(before: Suspicion, { topic, offset }: Held): boolean {
  if (before.type !== 'among') return false;
  return before.alone?.topic === topic && before.alone.offset === offset;
}

/** How a task goes about it; without a suspicion: as if it were not there. */
export class Care {
  #suspicion: Suspicion | null;
  /** Steps until it is over. A step may be the end of a chunk without a record, hence more than records. */
  #left = 0;
  #until_commit = Number.POSITIVE_INFINITY;
  /** Since the last commit. */
  steps = 0;

  constructor(suspicion: Suspicion | null) {
    this.#suspicion = suspicion;
    if (suspicion?.type !== 'among') return;
    this.#left = 2 * suspicion.records + PARTS;
    this.#until_commit = this.#part;
  }

  get is_needed(): boolean {
    return this.#suspicion !== null;
  }

  /** A record, at most, was taken. */
  stepped(): void {
    this.steps += 1;
    this.#left -= 1;
    this.#until_commit -= 1;
  }

  get wants_commit(): boolean {
    return this.is_needed && this.#until_commit <= 0;
  }

  /** Why the record is to be set aside; to be asked once for each, in order. */
  condemns(topic: string, offset: number): BadRecord | null {
    const found = this.#suspicion;
    if (found?.type !== 'found' || found.topic !== topic || offset < found.offset) return null;
    this.#left = 0;
    this.#until_commit = 0;
    this.#suspicion = { type: 'among', records: 0 };
    return found.reason;
  }

  /** True if nothing is suspect any more; `passed` tells how far the task had come on a topic before. */
  committed(passed: (topic: string) => number): boolean {
    const one = this.#suspicion;
    this.steps = 0;
    if (one === null) return false;
    const is_over = one.type === 'found' ? passed(one.topic) > one.offset : this.#left <= 0;
    this.#until_commit = one.type === 'found' ? Number.POSITIVE_INFINITY : this.#part;
    if (is_over) this.#suspicion = null;
    return is_over;
  }

  get #part(): number {
    return this.#suspicion?.type === 'among' ? Math.ceil(this.#suspicion.records / PARTS) : 0;
  }
}
