/**
 * One kafkajs consumer as a member of a group, until it cannot be relied on any more: kafkajs 2.2.4 has two ways of going on
 * as though all were well, and says nothing. Both are seen in its events:
 *
 * - The answer to SyncGroup is lost while it joins again: it is a member of the new generation, and its heartbeats are taken, but
 *   it was never told its tasks, which nobody runs then. Heartbeats follow on a JoinGroup, and no GROUP_JOIN.
 * - Put out of the group, and cut off while it joins again: it goes on as nobody's member. There are fetches, and no heartbeats.
 *
 * It never fetches a record: all its partitions are paused in the GROUP_JOIN event, before its first fetch.
 */
import type { Consumer, ConsumerConfig } from 'kafkajs';
import type { Logger } from 'pino';
import { errorMessage } from '../messages/errata_error.ts';
import { type KafkaClient, leaveGroup } from './kafka.ts';
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

const JOIN_GROUP = 11;
/** Where there are several brokers to fetch from, one may be under way beside the request for its tasks; where that takes long, it joins anew without need. */
const UNTOLD_MAX = 2;
const GROUP_CHANGES = new Set(['REBALANCE_IN_PROGRESS', 'ILLEGAL_GENERATION', 'UNKNOWN_MEMBER_ID']);

export class GroupConsumer {
  readonly #kafka: KafkaClient;
  readonly #consumer: Consumer;
  readonly #options: GroupConsumerOptions;
  readonly #log: Logger;
  /** Of the membership that the group counts it by. */
  #are_tasks_known = false;
  /** Heartbeats that were taken of a member that does not know its tasks. */
  #untold = 0;
  /** The last offset that the group took, by topic and partition. */
  readonly #taken = new Map<string, string>();
  #heard_ms = Date.now();
  #fetched_ms = Date.now();
  #is_over = false;
  #is_closed = false;
  #starting: Promise<void> = Promise.resolve();

  constructor(kafka: KafkaClient, options: GroupConsumerOptions, log: Logger) {
    this.#kafka = kafka;
    this.#options = options;
    this.#log = log;
    const { config } = options;
    this.#consumer = kafka.consumer({
      ...config,
      retry: { ...config.retry, restartOnFailure: async () => !this.#is_over },
    });
  }

  /** Resolves when the group has let it join, when it was closed meanwhile, or when it has crashed, which `onLost` tells if it is for good. */
  start(): Promise<void> {
    this.#listen();
    this.#starting = this.#start();
    return this.#starting;
  }

  async #start(): Promise<void> {
    const { topics } = this.#options;
    const consumer = this.#consumer;
    await consumer.connect();
    if (!this.#is_over) await consumer.subscribe({ topics, fromBeginning: true });
    if (!this.#is_over) await consumer.run({ autoCommit: false, eachBatch: async () => undefined });
  }

  #listen(): void {
    const { GROUP_JOIN, REQUEST, HEARTBEAT, COMMIT_OFFSETS, FETCH, CRASH } = this.#consumer.events;
    this.#consumer.on(REQUEST, ({ payload }) => {
      if (payload.apiKey === JOIN_GROUP) this.#are_tasks_known = false;
    });
    this.#consumer.on(GROUP_JOIN, ({ payload }) => {
      if (this.#is_closed) this.#undoJoin(payload.memberId);
      this.#consumer.pause(this.#options.topics.map((topic) => ({ topic })));
      if (!this.#is_over) this.#onJoined(payload.memberAssignment, payload.memberId);
    });
    this.#consumer.on(HEARTBEAT, () => this.#onHeartbeat());
    this.#consumer.on(COMMIT_OFFSETS, ({ payload }) => {
      for (const { topic, partitions } of payload.topics)
        for (const { partition, offset } of partitions)
          this.#taken.set(`${topic}/${partition}`, String(offset));
    });
    this.#consumer.on(FETCH, () => this.#onFetch());
    this.#consumer.on(CRASH, ({ payload }) => this.#onCrash(payload.error, payload.restart));
  }

  /**
   * `refused`: the group has moved on, or its answer is not known. kafkajs, where it is not running, takes a commit for done or for
   * a mistake of the caller; what the group took is in its events.
   */
  async commit(offsets: PartitionOffset[]): Promise<'committed' | 'refused'> {
    if (this.#is_over || !this.#are_tasks_known) return 'refused';
    for (const { topic, partition } of offsets) this.#taken.delete(`${topic}/${partition}`);
    try {
      await this.#consumer.commitOffsets(
        offsets.map(({ topic, partition, offset }) => ({ topic, partition, offset: String(offset) })),
      );
    } catch (error) {
      if (this.#is_over || kafkaErrorTypes(error).some((type) => GROUP_CHANGES.has(type))) return 'refused';
      throw error;
    }
    const is_taken = ({ topic, partition, offset }: PartitionOffset) =>
      this.#taken.get(`${topic}/${partition}`) === String(offset);
    return offsets.every(is_taken) ? 'committed' : 'refused';
  }

  /**
   * Leaves the group, so that others take over at once; where that fails, its session times out. Whoever joins waits until it
   * has joined: the group would count a member that is gone, and kafkajs takes no leave for it.
   */
  async close(): Promise<void> {
    this.#is_over = true;
    await this.#starting.catch(() => undefined);
    this.#is_closed = true;
    await this.#consumer.disconnect().catch((error) => {
      this.#log.warn({ error: errorMessage(error) }, 'a member of the group could not disconnect');
    });
  }

  /** kafkajs has stopped, but for what joins after a crash, which this ends. */
  #undoJoin(member_id: string): never {
    leaveGroup(this.#kafka, this.#options.config.groupId, member_id).catch(() => undefined);
    throw new Error('it was closed while it joined');
  }

  #onJoined(partitions: Record<string, number[]>, member_id: string): void {
    this.#are_tasks_known = true;
    this.#untold = 0;
    this.#options.onJoined(partitions, member_id);
    this.#hear();
  }

  #hear(): void {
    this.#heard_ms = Date.now();
    this.#options.onHeard();
  }

  #onHeartbeat(): void {
    if (this.#is_over) return;
    if (this.#are_tasks_known) {
      this.#hear();
      return;
    }
    this.#untold++;
    if (this.#untold === UNTOLD_MAX)
      this.#onAdrift('the group counts this member, but never told it its tasks');
  }

  /** A process that did not run could hear nothing. */
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
    this.#are_tasks_known = false;
    if (this.#is_over) return;
    if (is_restarted) this.#log.warn({ error: error.message }, 'group membership restarts');
    else this.#options.onLost(error);
  }
}
