/**
 * The one place where effects leave a task: outputs, then state, then input offsets.
 *
 * At least once: each step is repeated until it went through, and offsets come last, so what was processed is in
 * the log before it counts as processed. A crash in between repeats it.
 */
import type { Logger } from 'pino';
import { ErrataError, errorMessage } from '../messages/errata_error.ts';
import type { TaskId } from './assignment.ts';
import type { OutputRecord } from './effects.ts';
import type { Producer } from './kafka.ts';
import type { Membership, PartitionOffset } from './membership.ts';
import { FORMAT_HEADER } from './record_format.ts';
import { STATE_FORMAT, type StateChange } from './state.ts';

export interface Commit {
  outputs: OutputRecord[];
  changelog: { topic: string | null; partition: number; changes: StateChange[] };
  offsets: PartitionOffset[];
}

/** kafkajs is quadratic in the messages of one call, and a batch must fit into max.message.bytes. */
const SEND_MAX_RECORDS = 1_000;
const SEND_MAX_BYTES = 768 * 1024;
const BACKOFF_MS = { first: 50, most: 2_000 };
const CHANGELOG_HEADERS = { [FORMAT_HEADER]: STATE_FORMAT };

export class Committer {
  readonly #producer: Producer;
  readonly #membership: Pick<Membership, 'commit'>;
  readonly #dead_letter: (record: OutputRecord) => OutputRecord;
  readonly #log: Logger;
  readonly #trouble = new Map<TaskId, string>();
  readonly #abandoned = new Set<TaskId>();

  /** `dead_letter` tells what to write in place of a record that no topic takes. */
  constructor(
    producer: Producer,
    membership: Pick<Membership, 'commit'>,
    dead_letter: (record: OutputRecord) => OutputRecord,
    log: Logger,
  ) {
    this.#producer = producer;
    this.#membership = membership;
    this.#dead_letter = dead_letter;
    this.#log = log;
  }

  /** Resolves once everything is acknowledged. Rejects with E_TASK_DROPPED if the task was abandoned meanwhile. */
  async commit(task: TaskId, { outputs, changelog, offsets }: Commit): Promise<void> {
    for (const part of parts(outputs)) await this.#persist(task, () => this.#send(part));
    const changes = changelogRecords(changelog);
    for (const part of parts(changes)) await this.#persist(task, () => this.#send(part));
    if (offsets.length > 0) await this.#persist(task, () => this.#commitOffsets(offsets));
    this.#trouble.delete(task);
  }

  /** Why the task's commit does not get through at the moment. */
  trouble(task: TaskId): string | null {
    return this.#trouble.get(task) ?? null;
  }

  abandon(task: TaskId): void {
    this.#abandoned.add(task);
  }

  adopt(task: TaskId): void {
    this.#abandoned.delete(task);
  }

  async #persist(task: TaskId, attempt: () => Promise<void>): Promise<void> {
    for (let backoff_ms = BACKOFF_MS.first; ; backoff_ms = Math.min(backoff_ms * 2, BACKOFF_MS.most)) {
      if (this.#abandoned.has(task))
        throw new ErrataError('E_TASK_DROPPED', `task ${task} now runs elsewhere`);
      try {
        await attempt();
        this.#trouble.delete(task);
        return;
      } catch (error) {
        const reason = errorMessage(error);
        if (this.#trouble.get(task) !== reason) this.#log.warn({ task, error: reason }, 'commit waits');
        this.#trouble.set(task, reason);
        await new Promise((resolve) => setTimeout(resolve, backoff_ms));
      }
    }
  }

  async #commitOffsets(offsets: PartitionOffset[]): Promise<void> {
    if ((await this.#membership.commit(offsets)) === 'committed') return;
    throw new ErrataError('E_GROUP_REBALANCING', 'the group is being rebalanced');
  }

  async #send(records: OutputRecord[]): Promise<void> {
    try {
      await this.#producer.sendBatch({ acks: -1, topicMessages: topicMessages(records) });
    } catch (error) {
      if (!isTooLarge(error)) throw error;
      if (records.length === 1) await this.#send([this.#dead_letter(records[0]!)]);
      else for (const record of records) await this.#send([record]);
    }
  }
}

function changelogRecords({ topic, partition, changes }: Commit['changelog']): OutputRecord[] {
  if (topic === null) return [];
  return changes.map(({ key, value }) => ({ topic, partition, key, value, headers: CHANGELOG_HEADERS }));
}

function* parts(records: OutputRecord[]): Generator<OutputRecord[]> {
  let part: OutputRecord[] = [];
  let size_bytes = 0;
  for (const record of records) {
    const record_bytes = 64 + (record.key?.length ?? 0) + (record.value?.length ?? 0);
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

function isTooLarge(error: unknown): boolean {
  const { type, cause } = error as { type?: unknown; cause?: unknown };
  return type === 'MESSAGE_TOO_LARGE' || (cause instanceof Error && isTooLarge(cause));
}
