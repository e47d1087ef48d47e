/**
 * Membership of one worker in the topology's consumer group. kafkajs joins, keeps the heartbeat and commits offsets;
 * it never fetches: all its partitions are paused in the GROUP_JOIN event, before its first fetch.
 *
 * Rebalancing is eager (kafkajs knows no other), so a task keeps running while its worker rejoins, and learns from
 * the next assignment whether it may go on. Commits of the old generation are refused by the broker meanwhile.
 */
import kafkajs, { type Consumer, type GroupMember, type PartitionAssigner } from 'kafkajs';
import type { Logger } from 'pino';
import { ErrataError, errorMessage } from '../messages/errata_error.ts';
import {
  assignTasks,
  isForming,
  type ProcessMember,
  splitTaskId,
  type TaskId,
  taskId,
} from './assignment.ts';
import type { KafkaClient, KafkaSettings } from './kafka.ts';
import { kafkaErrorTypes } from './kafka_errors.ts';

/** A stage as the group sees it. */
export interface StageTopics {
  stage: string;
  topics: string[];
  partitions: number;
}

/** What a member says of itself when it joins: a public format, hence the version. */
interface MemberData {
  version: typeof MEMBER_DATA_VERSION;
  process_id: string;
  process_workers: number;
  owned: TaskId[];
  /** Address of its admin API. */
  admin: string | null;
}

const MEMBER_DATA_VERSION = 1;
/** With the version, so that the coordinator itself refuses who joins with another, and the group goes on. */
export const PROTOCOL_NAME = `errata-sticky-tasks.${MEMBER_DATA_VERSION}`;

export interface PartitionOffset {
  topic: string;
  partition: number;
  offset: number;
}

export interface MembershipOptions {
  group_id: string;
  stages: StageTopics[];
  process_id: string;
  /** How many workers the process starts. */
  process_workers: number;
  admin: string | null;
  owned(): TaskId[];
  onAssigned(tasks: TaskId[], member_id: string): void;
  /** The group cannot be held any more; the worker must end. */
  onLost(error: Error): void;
}

export class Membership {
  readonly #consumer: Consumer;
  readonly #options: MembershipOptions;
  readonly #log: Logger;
  #is_over = false;
  /** Resolved when the group has answered, whatever it said. */
  #heard = Promise.withResolvers<void>();
  #heard_ms = Date.now();
  readonly #silence_max_ms: number;
  #is_joining_anew = false;

  constructor(kafka: KafkaClient, settings: KafkaSettings, options: MembershipOptions, log: Logger) {
    this.#options = options;
    this.#log = log;
    this.#silence_max_ms = settings.session_timeout_ms + settings.heartbeat_interval_ms;
    this.#consumer = kafka.consumer({
      groupId: options.group_id,
      partitionAssigners: [taskAssigner(options)],
      sessionTimeout: settings.session_timeout_ms,
      rebalanceTimeout: Math.max(settings.session_timeout_ms, 30_000),
      heartbeatInterval: settings.heartbeat_interval_ms,
      maxWaitTimeInMs: Math.min(settings.heartbeat_interval_ms, 250),
      metadataMaxAge: settings.metadata_max_age_ms,
      allowAutoTopicCreation: false,
      retry: {
        initialRetryTime: settings.retry_backoff_ms,
        maxRetryTime: settings.retry_backoff_max_ms,
        retries: 10,
        restartOnFailure: async () => !this.#is_over,
      },
    });
  }

  async start(): Promise<void> {
    const topics = this.#options.stages.flatMap((stage) => stage.topics);
    const { GROUP_JOIN, HEARTBEAT, FETCH, CRASH } = this.#consumer.events;
    this.#consumer.on(HEARTBEAT, () => this.#onHeard());
    this.#consumer.on(FETCH, () => this.#checkSilence());
    this.#consumer.on(GROUP_JOIN, ({ payload }) => {
      this.#consumer.pause(topics.map((topic) => ({ topic })));
      this.#options.onAssigned(tasksOf(payload.memberAssignment, this.#options.stages), payload.memberId);
      this.#onHeard();
    });
    this.#consumer.on(CRASH, ({ payload }) => {
      if (payload.restart) this.#log.warn({ error: payload.error.message }, 'group membership restarts');
      else this.#options.onLost(lossOf(payload.error, this.#options.group_id));
    });
    await this.#consumer.connect();
    await this.#consumer.subscribe({ topics, fromBeginning: true });
    await this.#run();
  }

  async #run(): Promise<void> {
    await this.#consumer.run({ autoCommit: false, eachBatch: async () => undefined });
  }

  /** The next time that the group takes this member's heartbeat, or lets it join. */
  heard(): Promise<void> {
    return this.#heard.promise;
  }

  #onHeard(): void {
    this.#heard.resolve();
    this.#heard = Promise.withResolvers();
    this.#heard_ms = Date.now();
  }

  /**
   * kafkajs 2.2.4, put out of the group, forgets to join again where that fails by a connection: it goes on as nobody's
   * member, sends no heartbeat and says nothing. It is noticed at its fetches, which go on.
   */
  #checkSilence(): void {
    if (this.#is_over || this.#is_joining_anew) return;
    if (Date.now() - this.#heard_ms < this.#silence_max_ms) return;
    this.#is_joining_anew = true;
    this.#log.warn('the group was not heard for the session time-out: joining anew');
    this.#joinAnew()
      .catch((error) => this.#options.onLost(error))
      .finally(() => {
        this.#heard_ms = Date.now();
        this.#is_joining_anew = false;
      });
  }

  async #joinAnew(): Promise<void> {
    await this.#consumer.stop();
    if (!this.#is_over) await this.#run();
  }

  /** `refused`: the group has moved on; whether the task may go on is for the next assignment to say. */
  async commit(offsets: PartitionOffset[]): Promise<'committed' | 'refused'> {
    try {
      await this.#consumer.commitOffsets(
        offsets.map(({ topic, partition, offset }) => ({ topic, partition, offset: String(offset) })),
      );
      return 'committed';
    } catch (error) {
      if (kafkaErrorTypes(error).some((type) => GROUP_CHANGES.has(type))) return 'refused';
      throw error;
    }
  }

  /** Leaves the group, so that others take over at once. */
  async leave(): Promise<void> {
    this.#is_over = true;
    await this.#consumer.disconnect().catch((error) => {
      this.#log.warn({ error: errorMessage(error) }, 'could not leave the group; its session will time out');
    });
  }
}

const GROUP_CHANGES = new Set(['REBALANCE_IN_PROGRESS', 'ILLEGAL_GENERATION', 'UNKNOWN_MEMBER_ID']);

/** All topics of a stage are assigned alike, so its first topic says which tasks these are. */
function tasksOf(assignment: Record<string, number[]>, stages: StageTopics[]): TaskId[] {
  return stages.flatMap(({ stage, topics }) =>
    (assignment[topics[0]!] ?? []).map((partition) => taskId(stage, partition)),
  );
}

export function taskAssigner(options: Omit<MembershipOptions, 'group_id' | 'onAssigned'>): PartitionAssigner {
  const { MemberMetadata, MemberAssignment } = kafkajs.AssignerProtocol;
  const tasks = options.stages.flatMap(({ stage, partitions }) =>
    Array.from({ length: partitions }, (_, partition) => taskId(stage, partition)),
  );
  return () => ({
    name: PROTOCOL_NAME,
    version: 1,
    protocol: ({ topics }) => ({
      name: PROTOCOL_NAME,
      metadata: MemberMetadata.encode({ version: 1, topics, userData: encodeMember(options) }),
    }),
    assign: async ({ members }) => {
      const assigned = assignOrLose(options, tasks, members);
      return [...assigned].map(([memberId, own]) => ({
        memberId,
        memberAssignment: MemberAssignment.encode({
          version: 1,
          assignment: topicPartitions(own, options.stages),
          userData: Buffer.alloc(0),
        }),
      }));
    },
  });
}

/** What is thrown in here kafkajs would only retry, for ever and with the whole group waiting. */
function assignOrLose(options: Pick<MembershipOptions, 'onLost'>, tasks: TaskId[], members: GroupMember[]) {
  try {
    const joined = members.map(({ memberId, memberMetadata }) => decodeMember(memberId, memberMetadata));
    return assignTasks(isForming(joined) ? [] : tasks, joined);
  } catch (error) {
    options.onLost(error instanceof Error ? error : new Error(errorMessage(error)));
    throw error;
  }
}

function lossOf(error: Error, group_id: string): Error {
  if (!kafkaErrorTypes(error).includes('INCONSISTENT_GROUP_PROTOCOL')) return error;
  return memberVersion(`the members of group ${group_id} do not speak ${PROTOCOL_NAME}`, error);
}

function memberVersion(message: string, cause?: Error): ErrataError {
  const hint = `this process speaks version ${MEMBER_DATA_VERSION} of the group data: run one version of errata per group (stop the others first), or change the namespace`;
  return new ErrataError('E_MEMBER_VERSION', message, { hint, ...(cause ? { cause } : {}) });
}

function topicPartitions(own: TaskId[], stages: StageTopics[]): Record<string, number[]> {
  const assignment: Record<string, number[]> = {};
  for (const task of own) {
    const { stage, partition } = splitTaskId(task);
    for (const topic of stages.find((one) => one.stage === stage)!.topics) {
      assignment[topic] ??= [];
      assignment[topic].push(partition);
    }
  }
  return assignment;
}

function encodeMember(options: Omit<MembershipOptions, 'group_id' | 'onAssigned' | 'onLost'>): Buffer {
  const data: MemberData = {
    version: MEMBER_DATA_VERSION,
    process_id: options.process_id,
    process_workers: options.process_workers,
    owned: options.owned(),
    admin: options.admin,
  };
  return Buffer.from(JSON.stringify(data));
}

function decodeMember(member_id: string, metadata: Buffer): ProcessMember {
  const decoded = kafkajs.AssignerProtocol.MemberMetadata.decode(metadata);
  const data = JSON.parse(decoded?.userData.toString('utf8') || '{}') as MemberData | { version?: unknown };
  if (!isMemberData(data)) {
    throw memberVersion(`member ${member_id} speaks version ${data.version} of the group data`);
  }
  const { owned, process_id, process_workers } = data;
  return { member_id, owned, process_id, process_workers };
}

function isMemberData(data: MemberData | { version?: unknown }): data is MemberData {
  return data.version === MEMBER_DATA_VERSION && 'owned' in data && Array.isArray(data.owned);
}
