/**
 * The one place where effects leave a task. A committer takes what a task did since its last commit (outputs, state,
 * input offsets) and gets it into Kafka: at least once here, exactly once in transactional_committer.ts.
 */
import type { Logger } from 'pino';
import { ErrataError, errorMessage } from '../messages/errata_error.ts';
import type { TaskId } from './assignment.ts';
import type { OutputRecord } from './effects.ts';
import { kafkaErrorTypes, type Producer } from './kafka.ts';
import type { Membership, PartitionOffset } from './membership.ts';
import { FORMAT_HEADER } from './record_format.ts';
import { STATE_FORMAT, type StateChange } from './state.ts';

export interface Commit {
  outputs: OutputRecord[];
  changelog: { topic: string | null; partition: number; changes: StateChange[] };
  offsets: CommitOffset[];
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
   * was abandoned meanwhile, and with E_TASK_FENCED if somebody else has it.
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

  adopt(task: TaskId): void {
    this.#abandoned.delete(task);
    this.#trouble.delete(task);
  }

  /** Repeats `attempt` until it resolves, the task is abandoned, or it rejects with an ErrataError about the task. */
  async persist(task: TaskId, attempt: () => Promise<void>): Promise<void> {
    for (let backoff_ms = BACKOFF_MS.first; ; backoff_ms = Math.min(backoff_ms * 2, BACKOFF_MS.most)) {
      if (this.#abandoned.has(task))
        throw new ErrataError('E_TASK_DROPPED', `task ${task} now runs elsewhere`);
      try {
        await attempt();
        this.#trouble.delete(task);
        return;
      } catch (error) {
        if (error instanceof ErrataError && error.code === 'E_TASK_FENCED') throw error;
        const reason = errorMessage(error);
        if (this.#trouble.get(task) !== reason) this.#log.warn({ task, error: reason }, 'commit waits');
        this.#trouble.set(task, reason);
        await new Promise((resolve) => setTimeout(resolve, backoff_ms));
      }
    }
  }
}

/** kafkajs is quadratic in the messages of one call, and a batch must fit into max.message.bytes. */
const SEND_MAX_RECORDS = 1_000;
const SEND_MAX_BYTES = 768 * 1024;
const BACKOFF_MS = { first: 50, most: 2_000 };
const CHANGELOG_HEADERS = { [FORMAT_HEADER]: STATE_FORMAT };

/**
 * At least once: outputs, then state, then offsets. Each step is repeated until it went through, and offsets come
 * last, so what was processed is in the log before it counts as processed. A crash in between repeats it.
 */
export class AtLeastOnceCommitter implements Committer {
  readonly #producer: Producer;
  readonly #membership: Pick<Membership, 'commit'>;
  readonly #dead_letter: DeadLetter;
  readonly #progress: CommitProgress;

  constructor(
    producer: Producer,
    membership: Pick<Membership, 'commit'>,
    dead_letter: DeadLetter,
    log: Logger,
  ) {
    this.#producer = producer;
    this.#membership = membership;
    this.#dead_letter = dead_letter;
    this.#progress = new CommitProgress(log);
  }

  async open(task: TaskId): Promise<void> {
    this.#progress.adopt(task);
  }

  async commit(task: TaskId, { outputs, changelog, offsets }: Commit): Promise<void> {
    for (const records of [outputs, changelogRecords(changelog)])
      for (const part of parts(records))
        await this.#progress.persist(task, () => send(this.#producer, part, this.#dead_letter));
    if (offsets.length > 0) await this.#progress.persist(task, () => this.#commitOffsets(offsets));
  }

  trouble(task: TaskId): string | null {
    return this.#progress.trouble(task);
  }

  abandon(task: TaskId): void {
    this.#progress.abandon(task);
  }

  async close(): Promise<void> {
    await this.#producer.disconnect();
  }

  async #commitOffsets(offsets: PartitionOffset[]): Promise<void> {
    if ((await this.#membership.commit(offsets)) === 'committed') return;
    throw new ErrataError('E_GROUP_REBALANCING', 'the group is being rebalanced');
  }
}

/** What to write in place of a record that its topic does not take. */
export type DeadLetter = (record: OutputRecord) => OutputRecord;

/**
 * A part that is too large is sent record by record. Throws E_DEAD_LETTER_REFUSED where the dead-letter topic is too
 * narrow itself: there is nowhere left to put the record.
 */
export async function send(
  producer: Pick<Producer, 'sendBatch'>,
  records: OutputRecord[],
  dead_letter: DeadLetter,
): Promise<void> {
  try {
    await producer.sendBatch({ acks: -1, topicMessages: topicMessages(records) });
  } catch (error) {
    if (!kafkaErrorTypes(error).includes('MESSAGE_TOO_LARGE')) throw error;
    if (records.length === 1) await send(producer, [inPlaceOf(records[0]!, dead_letter, error)], dead_letter);
    else for (const record of records) await send(producer, [record], dead_letter);
  }
}

function inPlaceOf(record: OutputRecord, dead_letter: DeadLetter, cause: unknown): OutputRecord {
  const letter = dead_letter(record);
  if (letter.topic !== record.topic) return letter;
  throw new ErrataError(
    'E_DEAD_LETTER_REFUSED',
    `dead-letter topic ${record.topic} does not take ${recordBytes(record)} bytes`,
    { cause, hint: 'raise its max.message.bytes to 1 MB' },
  );
}

export function changelogRecords({ topic, partition, changes }: Commit['changelog']): OutputRecord[] {
  if (topic === null) return [];
  return changes.map(({ key, value }) => ({ topic, partition, key, value, headers: CHANGELOG_HEADERS }));
}

/** As many records as one call may carry. */
export function* parts(records: OutputRecord[]): Generator<OutputRecord[]> {
  let part: OutputRecord[] = [];
  let size_bytes = 0;
  for (const record of records) {
    const record_bytes = recordBytes(record);
    if (part.length > 0 && (part.length === SEND_MAX_RECORDS || size_bytes + record_bytes > SEND_MAX_BYTES)) {
      yield part;
      part = [];
      size_bytes = 0;
    }
    part.push(record);
    size_bytes += record_bytes;
  }
  if (part.length > 0) yield part;
}

/** About what it takes in a batch. */
function recordBytes({ key, value, headers }: OutputRecord): number {
  let size_bytes = 64 + (key?.length ?? 0) + (value?.length ?? 0);
  for (const name in headers) size_bytes += name.length + headers[name]!.length;
  return size_bytes;
}

function topicMessages(records: OutputRecord[]) {
  return [...Map.groupBy(records, ({ topic }) => topic)].map(([topic, own]) => ({
    topic,
    messages: own.map(({ partition, key, value, headers, timestamp_ms }) => ({
      partition,
      key,
      value,
      headers,
      ...(timestamp_ms === undefined ? {} : { timestamp: String(timestamp_ms) }),
    })),
  }));
}
