/**
 * Membership of one worker in the topology's consumer group. kafkajs joins, keeps the heartbeat and commits offsets;
 * it never fetches, and where it goes astray another takes its place (group_consumer.ts).
 *
 * Rebalancing is eager (kafkajs knows no other), so a task keeps running while its worker rejoins, and learns from
 * the next assignment whether it may go on. Commits of the old generation are refused by the broker meanwhile.
 */
import { setTimeout as delay } from 'node:timers/promises';
import kafkajs, { type GroupMember, type PartitionAssigner } from 'kafkajs';
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
import { GroupConsumer, type GroupConsumerOptions, type PartitionOffset } from './group_consumer.ts';
import type { KafkaClient, KafkaSettings } from './kafka.ts';
import { isPassing, kafkaErrorTypes } from './kafka_errors.ts';

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
  readonly #kafka: KafkaClient;
  readonly #options: MembershipOptions;
  readonly #settings: KafkaSettings;
  readonly #log: Logger;
  #consumer: GroupConsumer;
  #is_over = false;
  /** Resolved when the group has let it join, or taken a heartbeat. */
  #heard = Promise.withResolvers<void>();

  constructor(kafka: KafkaClient, settings: KafkaSettings, options: MembershipOptions, log: Logger) {
    this.#kafka = kafka;
    this.#settings = settings;
    this.#options = options;
    this.#log = log;
    this.#consumer = this.#createConsumer();
  }

  async start(): Promise<void> {
    await this.#consumer.start();
  }

  /** The next time that the group takes this member's heartbeat, or lets it join. */
  heard(): Promise<void> {
    return this.#heard.promise;
  }

  /** `refused`: the group has moved on; whether the task may go on is for the next assignment to say. */
  commit(offsets: PartitionOffset[]): Promise<'committed' | 'refused'> {
    return this.#consumer.commit(offsets);
  }

  async leave(): Promise<void> {
    this.#is_over = true;
    await this.#consumer.close();
  }

  #createConsumer(): GroupConsumer {
    const { session_timeout_ms, heartbeat_interval_ms, retry_backoff_ms, retry_backoff_max_ms } =
      this.#settings;
    const { group_id, stages, onAssigned, onLost } = this.#options;
    const options: GroupConsumerOptions = {
      config: {
        groupId: group_id,
        partitionAssigners: [taskAssigner(this.#options)],
        sessionTimeout: session_timeout_ms,
        rebalanceTimeout: Math.max(session_timeout_ms, 30_000),
        heartbeatInterval: heartbeat_interval_ms,
        maxWaitTimeInMs: Math.min(heartbeat_interval_ms, 250),
        metadataMaxAge: this.#settings.metadata_max_age_ms,
        allowAutoTopicCreation: false,
        retry: {
          initialRetryTime: retry_backoff_ms,
          maxRetryTime: retry_backoff_max_ms,
          retries: 10,
        },
      },
      topics: stages.flatMap((stage) => stage.topics),
      silence_max_ms: session_timeout_ms + heartbeat_interval_ms,
      onJoined: (partitions, member_id) => onAssigned(tasksOf(partitions, stages), member_id),
      onHeard: () => this.#onHeard(),
      onAdrift: (why) => {
        this.#log.warn(`${why}: joining anew`);
        this.#joinAnew().catch((error) => onLost(lossOf(error, group_id)));
      },
      onLost: (error) => onLost(lossOf(error, group_id)),
    };
    return new GroupConsumer(this.#kafka, options, this.#log);
  }

  #onHeard(): void {
    this.#heard.resolve();
    this.#heard = Promise.withResolvers();
  }

  /** As another member, by another consumer, for as long as it takes. */
  async #joinAnew(): Promise<void> {
    await this.#consumer.close();
    while (!this.#is_over) {
      this.#consumer = this.#createConsumer();
      try {
        await this.#consumer.start();
        return;
      } catch (error) {
        if (!isPassing(error)) throw error;
        this.#log.warn({ error: errorMessage(error) }, 'the group cannot be joined yet');
        await this.#consumer.close();
        await delay(this.#settings.retry_backoff_max_ms);
      }
    }
  }
}

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
