/**
 * One kafkajs consumer as a member of a group, until it cannot be relied on any more: kafkajs 2.2.4 has two ways of going on
 * with its heartbeats or its fetches as though all were well, and says nothing. Both are seen in its events:
 *
 * - The answer to SyncGroup is lost while it joins again: it is a member of the new generation and sends heartbeats, but was
 *   never told its tasks, which nobody runs then. It sends heartbeats of a membership without a GROUP_JOIN.
 * - Put out of the group, and cut off while it joins again: it goes on as nobody's member and sends no heartbeat. Its fetches
 *   go on.
 *
 * It never fetches a record: all its partitions are paused in the GROUP_JOIN event, before its first fetch.
 */
import type { Consumer, ConsumerConfig } from 'kafkajs';
import type { Logger } from 'pino';
import { errorMessage } from '../messages/errata_error.ts';
import type { KafkaClient } from './kafka.ts';
import { kafkaErrorTypes } from './kafka_errors.ts';

export interface PartitionOffset {
  topic: string;
  partition: number;
  offset: number;
}

export interface GroupConsumerOptions {
  config: ConsumerConfig;
  topics: string[];
  /** How long the group may be silent. */
  silence_max_ms: number;
  onJoined(partitions: Record<string, number[]>, member_id: string): void;
  /** The group has answered to a heartbeat of a member that knows its tasks. */
  onHeard(): void;
  /** Another has to take its place. Told once. */
  onAdrift(why: string): void;
  /** It does not join again by itself. */
  onLost(error: Error): void;
}

const GROUP_CHANGES = new Set(['REBALANCE_IN_PROGRESS', 'ILLEGAL_GENERATION', 'UNKNOWN_MEMBER_ID']);

export class GroupConsumer {
  readonly #consumer: Consumer;
  readonly #options: GroupConsumerOptions;
  readonly #log: Logger;
  /** As which it was told its tasks; null while it joins. */
  #told_as: string | null = null;
  #heard_ms = Date.now();
  #fetched_ms = Date.now();
  #is_over = false;

  constructor(kafka: KafkaClient, options: GroupConsumerOptions, log: Logger) {
    this.#options = options;
    this.#log = log;
    const { config } = options;
    this.#consumer = kafka.consumer({
      ...config,
      retry: { ...config.retry, restartOnFailure: async () => !this.#is_over },
    });
  }

  async start(): Promise<void> {
    const { topics } = this.#options;
    const { GROUP_JOIN, REBALANCING, HEARTBEAT, FETCH, CRASH } = this.#consumer.events;
    this.#consumer.on(GROUP_JOIN, ({ payload }) => {
      this.#consumer.pause(topics.map((topic) => ({ topic })));
      if (!this.#is_over) this.#onJoined(payload.memberAssignment, payload.memberId);
    });
    this.#consumer.on(REBALANCING, () => {
      this.#told_as = null;
    });
    this.#consumer.on(HEARTBEAT, ({ payload }) => this.#onHeartbeat(payload.memberId));
    this.#consumer.on(FETCH, () => this.#onFetch());
    this.#consumer.on(CRASH, ({ payload }) => this.#onCrash(payload.error, payload.restart));
    await this.#consumer.connect();
    await this.#consumer.subscribe({ topics, fromBeginning: true });
    await this.#consumer.run({ autoCommit: false, eachBatch: async () => undefined });
  }

  /** `refused`: the group has moved on. */
  async commit(offsets: PartitionOffset[]): Promise<'committed' | 'refused'> {
    // kafkajs takes a commit for done where it has stopped, and for a mistake of the caller where it has not begun.
    if (this.#is_over || this.#told_as === null) return 'refused';
    try {
      await this.#consumer.commitOffsets(
        offsets.map(({ topic, partition, offset }) => ({ topic, partition, offset: String(offset) })),
      );
      return this.#is_over ? 'refused' : 'committed';
    } catch (error) {
      if (this.#is_over) return 'refused';
      if (kafkaErrorTypes(error).some((type) => GROUP_CHANGES.has(type))) return 'refused';
      throw error;
    }
  }

  /** Leaves the group, so that others take over at once. */
  async close(): Promise<void> {
    this.#is_over = true;
    await this.#consumer.disconnect().catch((error) => {
      this.#log.warn({ error: errorMessage(error) }, 'could not leave the group; its session will time out');
    });
  }

  #onJoined(partitions: Record<string, number[]>, member_id: string): void {
    this.#told_as = member_id;
    this.#heard_ms = Date.now();
    this.#options.onJoined(partitions, member_id);
    this.#options.onHeard();
  }

  #onHeartbeat(member_id: string): void {
    if (this.#is_over) return;
    if (member_id !== this.#told_as) {
      this.#onAdrift('the group counts this member, but its tasks were not told');
      return;
    }
    this.#heard_ms = Date.now();
    this.#options.onHeard();
  }

  /** Silence counts only while it fetches: a process that was stopped, or whose brokers are away, could hear nothing. */
  #onFetch(): void {
    const now_ms = Date.now();
    const { silence_max_ms } = this.#options;
    if (now_ms - this.#fetched_ms > silence_max_ms / 2) this.#heard_ms = now_ms;
    this.#fetched_ms = now_ms;
    if (now_ms - this.#heard_ms >= silence_max_ms) {
      this.#onAdrift(`the group was not heard for ${silence_max_ms} ms`);
    }
  }

  #onAdrift(why: string): void {
    if (this.#is_over) return;
    this.#is_over = true;
    this.#options.onAdrift(why);
  }

  #onCrash(error: Error, is_restarted: boolean): void {
    this.#told_as = null;
    if (this.#is_over) return;
    if (is_restarted) this.#log.warn({ error: error.message }, 'group membership restarts');
    else this.#options.onLost(error);
  }
}
