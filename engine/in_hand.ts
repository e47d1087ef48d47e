/**
 * What a worker's thread has in hand, in memory that outlives the thread: when it dies, the supervisor reads which
 * task was at which records. Only the thread itself writes it, one task at a time, and only around steps without
 * waiting: whoever waits has nothing in hand.
 */
import { type TaskId, taskId } from './assignment.ts';
import type { ResolvedPlan, StagePlan } from './plan.ts';

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
}

/** Places in the memory; `records` 0: nothing in hand. */
const AT = { stage: 0, partition: 1, input: 2, offset: 3, records: 4, is_one: 5 };
export type HeldCells = Record<keyof typeof AT, number>;

export class InHand {
  readonly #cells: Float64Array;
  #is_frozen = false;

  static memory(): SharedArrayBuffer {
    return new SharedArrayBuffer(Object.keys(AT).length * Float64Array.BYTES_PER_ELEMENT);
  }

  constructor(memory: SharedArrayBuffer) {
    this.#cells = new Float64Array(memory);
  }

  /** Numbers of stage and input are their places in the plan. */
  hold(held: HeldCells): void {
    if (this.#is_frozen) return;
    this.#cells[AT.stage] = held.stage;
    this.#cells[AT.partition] = held.partition;
    this.#cells[AT.input] = held.input;
    this.#cells[AT.offset] = held.offset;
    this.#cells[AT.is_one] = held.is_one;
    this.#cells[AT.records] = held.records;
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

  read({ stages }: Pick<ResolvedPlan, 'stages'>): Held | null {
    const [stage, partition, input, offset, records, is_one] = this.#cells as unknown as number[];
    const { name, inputs } = stages[stage!] as StagePlan;
    if (!records) return null;
    const { topic } = inputs[input!]!;
    return { task: taskId(name, partition!), topic, offset: offset!, records, is_one: is_one === 1 };
  }
}
