/**
 * Exactly once: one Kafka transaction per commit holds outputs, state and input offsets (KIP-98).
 *
 * 1. A task has one producer with the stable transactional id `{namespace}.{topology}.{stage}.{partition}`. Opening it
 *    initialises the id, which fences whoever had the task before; only then are offsets and state read.
 * 2. A transaction is opened, filled and ended in one go: an abandoned one hides everyone's later records.
 * 3. Whatever fails in between leaves the outcome unknown (a cut connection had committed, 8 of 8 times). The producer is
 *    dropped, a new one initialised, and the committed offsets decide: where they are the new ones, it had committed;
 *    where they are the old ones, it is done again; anything else means that somebody else went on, and the task is fenced.
 * 4. A commit without offsets holds nothing that may not be written twice (how far time has come), and is done again,
 *    if the task's offsets are still what it committed: otherwise somebody else went on, and its state is stale.
 */
import type { Logger } from 'pino';
import { ErrataError } from '../messages/errata_error.ts';
import { splitTaskId, type TaskId } from './assignment.ts';
import {
  type Commit,
  CommitProgress,
  type Committer,
  changelogRecords,
  fenced,
  packedIn,
} from './committer.ts';
import type { TransactionalProducer } from './transactional_producer.ts';

/** What the committer needs of Kafka. */
export interface TransactionPorts {
  /** Not opened yet. */
  createProducer(transactional_id: string): Pick<TransactionalProducer, 'open' | 'transact' | 'close'>;
  committedOffsets(inputs: { topic: string; partition: number }[]): Promise<(number | null)[]>;
}

type Producer = ReturnType<TransactionPorts['createProducer']>;

export class TransactionalCommitter implements Committer {
  readonly #ports: TransactionPorts;
  readonly #names: { namespace: string; topology: string };
  readonly #progress: CommitProgress;
  readonly #producers = new Map<TaskId, Producer>();
  readonly #committing = new Set<TaskId>();

  constructor(names: { namespace: string; topology: string }, ports: TransactionPorts, log: Logger) {
    this.#names = names;
    this.#ports = ports;
    this.#progress = new CommitProgress(log);
  }

  async open(task: TaskId): Promise<void> {
    this.#progress.adopt(task);
    await this.#progress.persist(task, async () => {
      await this.#drop(task);
      await this.#initialise(task);
    });
  }

  async commit(task: TaskId, commit: Commit): Promise<void> {
    this.#committing.add(task);
    try {
      await this.#commit(task, commit);
    } finally {
      this.#committing.delete(task);
      if (this.#progress.isAbandoned(task)) await this.#drop(task);
    }
  }

  async #commit(task: TaskId, commit: Commit): Promise<void> {
    let is_certain = true;
    await this.#progress.persist(task, async () => {
      if (!is_certain) {
        await this.#drop(task);
        await this.#initialise(task);
        if (await this.#hasCommitted(task, commit)) return;
      }
      is_certain = false;
      await this.#transact(task, commit);
    });
  }

  trouble(task: TaskId): string | null {
    return this.#progress.trouble(task);
  }

  abandon(task: TaskId): void {
    this.#progress.abandon(task);
    // A transaction under way ends first: cut off, it would hide what others write after it.
    if (!this.#committing.has(task)) void this.#drop(task);
  }

  async close(): Promise<void> {
    await Promise.allSettled([...this.#producers.keys()].map((task) => this.#drop(task)));
  }

  async #drop(task: TaskId): Promise<void> {
    const producer = this.#producers.get(task);
    this.#producers.delete(task);
    await producer?.close().catch(() => undefined);
  }

  async #initialise(task: TaskId): Promise<void> {
    const { namespace, topology } = this.#names;
    const { stage, partition } = splitTaskId(task);
    const producer = this.#ports.createProducer(`${namespace}.${topology}.${stage}.${partition}`);
    this.#producers.set(task, producer);
    await producer.open();
  }

  async #transact(task: TaskId, { outputs, changelog, offsets }: Commit): Promise<void> {
    const producer = this.#producers.get(task);
    if (!producer) throw new ErrataError('E_TASK_DROPPED', `task ${task} has no producer`);
    const records = [...outputs, ...changelogRecords(changelog)];
    await producer.transact({ records, packed: packedIn(changelog), offsets });
  }

  async #hasCommitted(task: TaskId, { offsets, held = [] }: Commit): Promise<boolean> {
    const found = await this.#ports.committedOffsets([...offsets, ...held]);
    const is_held = held.every(({ offset }, index) => (found[offsets.length + index] ?? offset) === offset);
    const is_done = offsets.every(({ offset }, index) => found[index] === offset);
    if (is_held && is_done && offsets.length > 0) return true;
    const is_unchanged = offsets.every(({ previous }, index) => (found[index] ?? previous) === previous);
    if (is_held && is_unchanged) return false;
    throw fenced(task, 'its committed offsets are not those it committed');
  }
}
