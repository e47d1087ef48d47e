/**
 * The one place where effects leave a task. A committer takes what a task did since its last commit (outputs, state,
 * input offsets) and gets it into Kafka: at least once here, exactly once in transactional_committer.ts.
 */
import type { Logger } from 'pino';
import { ErrataError, errorMessage } from '../messages/errata_error.ts';
import type { TaskId } from './assignment.ts';
import type { OutputRecord } from './effects.ts';
import type { PartitionOffset } from './group_consumer.ts';
import { classOf, fatalError } from './kafka_errors.ts';
import type { Membership } from './membership.ts';
import { Outbox } from './outbox.ts';
import type { PackedLane, PackedRecords } from './packed_records.ts';
import { FORMAT_HEADER } from './record_format.ts';
import { STATE_FORMAT, type StateChange } from './state.ts';

export interface Commit {
  outputs: OutputRecord[];
  changelog: {
    topic: string | null;
    partition: number;
    changes: StateChange[];
    /** Further changes. */
    packed?: PackedRecords;
  };
  offsets: CommitOffset[];
  /** Of the inputs that have not moved: what the task committed before. */
  held?: PartitionOffset[];
}

export interface CommitOffset extends PartitionOffset {
  /** What the task committed before. */
  previous: number;
}

export interface Committer {
  /** Before a task restores its state: from here on nobody else commits for it, as far as the guarantee goes. */
  open(task: TaskId): Promise<void>;
  /**
   * Resolves once everything is acknowledged; waits for a Kafka that is away. Rejects with E_TASK_DROPPED if the task
   * was abandoned meanwhile, with E_TASK_FENCED if somebody else has it, and with E_KAFKA_… where waiting does not help.
   */
  commit(task: TaskId, commit: Commit): Promise<void>;
  /** Why the task's commit does not get through at the moment. */
  trouble(task: TaskId): string | null;
  /** The task is not ours any more: a commit under way must not go on. */
  abandon(task: TaskId): void;
  close(): Promise<void>;
}

/** What a committer tells of a task whose commit does not get through, and which tasks it has given up. */
export class CommitProgress {
  readonly #log: Logger;
  readonly #trouble = new Map<TaskId, string>();
  readonly #abandoned = new Set<TaskId>();

  constructor(log: Logger) {
    this.#log = log;
  }

  trouble(task: TaskId): string | null {
    return this.#trouble.get(task) ?? null;
  }

  abandon(task: TaskId): void {
    this.#abandoned.add(task);
  }

  isAbandoned(task: TaskId): boolean {
    return this.#abandoned.has(task);
  }

  adopt(task: TaskId): void {
    this.#abandoned.delete(task);
    this.#trouble.delete(task);
  }

  /** Repeats `attempt` until it resolves, the task is abandoned or fenced, or Kafka's answer is final. */
  async persist(task: TaskId, attempt: () => Promise<void>): Promise<void> {
    for (let backoff_ms = BACKOFF_MS.first; ; backoff_ms = Math.min(backoff_ms * 2, BACKOFF_MS.most)) {
      if (this.isAbandoned(task)) throw new ErrataError('E_TASK_DROPPED', `task ${task} now runs elsewhere`);
      try {
        await attempt();
        this.#trouble.delete(task);
        return;
      } catch (error) {
        if (error instanceof ErrataError && error.code === 'E_TASK_FENCED') throw error;
        const kind = classOf(error);
        if (kind === 'fence') throw fenced(task, errorMessage(error));
        if (kind === 'fatal') throw fatalError(error);
        const reason = errorMessage(error);
        if (this.#trouble.get(task) !== reason) this.#log.warn({ task, error: reason }, 'commit waits');
        this.#trouble.set(task, reason);
        await new Promise((resolve) => setTimeout(resolve, backoff_ms));
      }
    }
  }
}

const BACKOFF_MS = { first: 50, most: 2_000 };
const CHANGELOG_HEADERS: Record<string, string> = { [FORMAT_HEADER]: STATE_FORMAT };

/** What the committer needs of Kafka. */
export interface CommitPorts {
  /** Takes out of the outbox what is acknowledged. */
  flush(outbox: Outbox): Promise<void>;
  commitOffsets: Membership['commit'];
  close(): Promise<void>;
}

/**
 * At least once: outputs, then state, then offsets. Each step is repeated until it went through, and offsets come
 * last, so what was processed is in the log before it counts as processed. A crash in between repeats it.
 */
export class AtLeastOnceCommitter implements Committer {
  readonly #ports: CommitPorts;
  readonly #progress: CommitProgress;

  constructor(ports: CommitPorts, log: Logger) {
    this.#ports = ports;
    this.#progress = new CommitProgress(log);
  }

  async open(task: TaskId): Promise<void> {
    this.#progress.adopt(task);
  }

  async commit(task: TaskId, { outputs, changelog, offsets }: Commit): Promise<void> {
    for (const outbox of [
      new Outbox(outputs),
      new Outbox(changelogRecords(changelog), packedIn(changelog)),
    ]) {
      await this.#progress.persist(task, () => this.#ports.flush(outbox));
    }
    if (offsets.length > 0) await this.#progress.persist(task, () => this.#commitOffsets(offsets));
  }

  trouble(task: TaskId): string | null {
    return this.#progress.trouble(task);
  }

  abandon(task: TaskId): void {
    this.#progress.abandon(task);
  }

  async close(): Promise<void> {
    await this.#ports.close();
  }

  async #commitOffsets(offsets: PartitionOffset[]): Promise<void> {
    if ((await this.#ports.commitOffsets(offsets)) === 'committed') return;
    throw new ErrataError('E_GROUP_REBALANCING', 'the group is being rebalanced');
  }
}

export function fenced(task: TaskId, why: string): ErrataError {
  return new ErrataError('E_TASK_FENCED', `task ${task}: ${why}`);
}

export function changelogRecords({ topic, partition, changes }: Commit['changelog']): OutputRecord[] {
  if (topic === null) return [];
  return changes.map(({ key, value }) => ({ topic, partition, key, value, headers: CHANGELOG_HEADERS }));
}

export function packedIn({ topic, partition, packed }: Commit['changelog']): PackedLane | undefined {
  return topic === null || !packed
    ? undefined
    : { topic, partition, headers: CHANGELOG_HEADERS, records: packed };
}
