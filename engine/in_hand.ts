/**
 * What a worker's thread has in hand, in memory that outlives the thread: when it dies, the supervisor reads which
 * task was at which records. Only the thread itself writes it.
 *
 * 1. One task at a time is at work: a step without waiting. If the thread dies in it, it was because of its records.
 * 2. Besides, writes of sinks are under way, several at once: if the thread dies while nobody is at work, it was because of one of them.
 */
import { type TaskId, taskId } from './assignment.ts';
import type { ResolvedPlan, StagePlan } from './plan.ts';
import { Turns } from './turns.ts';

export interface Held {
  task: TaskId;
  /** Of the input that the task was at. */
  topic: string;
  /** No record in hand of that input stands before it. */
  offset: number;
  /** How many records the task had taken since its last commit, those in hand included; an upper bound. */
  records: number;
  /** Exactly one record is in hand: the first from `offset` on. */
  is_one: boolean;
  /** It is being written by a sink: what kills then may as well be a late consequence of a record before it. */
  is_under_way?: boolean;
}

/** Places in the memory; `records` 0: nothing in hand. */
const AT = { stage: 0, partition: 1, input: 2, offset: 3, records: 4, is_one: 5 };
export type HeldCells = Record<keyof typeof AT, number>;
const CELLS = Object.keys(AT).length;
/** So many writes are remembered; what more there are goes unseen. */
const MOST_UNDER_WAY = 64;
/** For others who write, so that one is alone. */
const ALONE_MAX_WAIT_MS = 2_000;

export class InHand {
  readonly #cells: Float64Array;
  /** A part of the same memory for each write. */
  readonly #under_way: Float64Array[];
  readonly #turns = new Turns(ALONE_MAX_WAIT_MS);
  #is_frozen = false;

  static memory(): SharedArrayBuffer {
    return new SharedArrayBuffer((1 + MOST_UNDER_WAY) * CELLS * Float64Array.BYTES_PER_ELEMENT);
  }

  constructor(memory: SharedArrayBuffer) {
    const all = new Float64Array(memory);
    const part = (index: number) => all.subarray(index * CELLS, (index + 1) * CELLS);
    this.#cells = part(0);
    this.#under_way = Array.from({ length: MOST_UNDER_WAY }, (_, index) => part(1 + index));
  }

  /** Numbers of stage and input are their places in the plan. */
  hold(held: HeldCells): void {
    if (!this.#is_frozen) fill(this.#cells, held);
  }

  release(): void {
    if (!this.#is_frozen) this.#cells[AT.records] = 0;
  }

  /** Throws what `act` throws, and then what was held stays in hand, whatever other tasks still do. */
  holding<Result>(held: HeldCells, act: () => Result): Result {
    this.hold(held);
    try {
      return act();
    } catch (error) {
      this.#is_frozen = true;
      throw error;
    } finally {
      this.release();
    }
  }

  /** Nothing is in hand as long as `act` runs, nor if it throws. */
  without(act: () => void): void {
    const records = this.#cells[AT.records]!;
    this.release();
    act();
    if (!this.#is_frozen) this.#cells[AT.records] = records;
  }

  /** For as long as what `act` returns is not settled. A record that is looked at by itself is so while no other is under way. */
  whileUnderWay<Result>(held: HeldCells, act: () => Promise<Result>): Promise<Result> {
    return this.#turns.take(held.is_one === 1, async () => {
      const cells = this.#under_way.find((one) => one[AT.records] === 0);
      if (cells) fill(cells, held);
      try {
        return await act();
      } finally {
        if (cells) cells[AT.records] = 0;
      }
    });
  }

  /** Who was at work. */
  read(plan: Pick<ResolvedPlan, 'stages'>): Held | null {
    return readCells(this.#cells, plan);
  }

  /** Which writes were under way. */
  readUnderWay(plan: Pick<ResolvedPlan, 'stages'>): Held[] {
    return this.#under_way.flatMap((cells) => {
      const held = readCells(cells, plan);
      return held ? [{ ...held, is_under_way: true }] : [];
    });
  }
}

/** `records` last: it says that the others are good. */
function fill(cells: Float64Array, held: HeldCells): void {
  cells[AT.stage] = held.stage;
  cells[AT.partition] = held.partition;
  cells[AT.input] = held.input;
  cells[AT.offset] = held.offset;
  cells[AT.is_one] = held.is_one;
  cells[AT.records] = held.records;
}

function readCells(cells: Float64Array, { stages }: Pick<ResolvedPlan, 'stages'>): Held | null {
  const [stage, partition, input, offset, records, is_one] = cells as unknown as number[];
  const { name, inputs } = stages[stage!] as StagePlan;
  if (!records) return null;
  const { topic } = inputs[input!]!;
  return { task: taskId(name, partition!), topic, offset: offset!, records, is_one: is_one === 1 };
}
