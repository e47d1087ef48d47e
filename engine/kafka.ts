/**
 * The connection to Kafka: kafkajs, plus the one door into its inside that the log reader needs (its cluster
 * finds a partition's leader, and a leader's connection sends any request).
 */
import kafkajs, { type Admin, type Kafka as KafkaClient, type KafkaConfig, type Producer } from 'kafkajs';
import type { Logger } from 'pino';
import { ErrataError } from '../messages/errata_error.ts';
import { saslOptions } from './kafka_credentials.ts';
import { KAFKA_DEFAULTS, type KafkaSettings } from './kafka_settings.ts';
import { socketFactory } from './kafka_socket.ts';
import { lightenConnections } from './kafkajs_connection.ts';

export type { Admin, KafkaClient, KafkaSettings, Producer };
export { KAFKA_DEFAULTS };

const RETRIES = 8;

/** Nothing is connected yet. `retries`: of a request or connection that failed. */
export function connectKafka(settings: KafkaSettings, log: Logger, retries = RETRIES): KafkaClient {
  lightenConnections();
  const { retry_backoff_ms, retry_backoff_max_ms, sasl } = settings;
  return new kafkajs.Kafka({
    brokers: settings.brokers,
    clientId: settings.client_id,
    connectionTimeout: settings.connection_timeout_ms,
    requestTimeout: settings.request_timeout_ms,
    retry: { initialRetryTime: retry_backoff_ms, maxRetryTime: retry_backoff_max_ms, retries },
    logLevel: kafkajs.logLevel.WARN,
    logCreator: kafkaLog(log),
    socketFactory: socketFactory(settings.ssl),
    ...(sasl === null ? {} : { sasl: saslOptions(sasl) }),
  });
}

const CONNECTING: ReadonlySet<string> = new Set(['Connection', 'BrokerPool']);

/** kafkajs reports as errors what it then retries by itself; those are warnings here. */
function kafkaLog(log: Logger): KafkaConfig['logCreator'] {
  return () =>
    ({ level, namespace, log: { message, error } }) => {
      const detail = { from: `kafkajs ${namespace}`, ...(error ? { error } : {}) };
      // A single answer or connection that failed is asked for again; what does not mend is told by the task that waits.
      if (level <= kafkajs.logLevel.ERROR && !CONNECTING.has(namespace)) log.warn(detail, message);
      else log.debug(detail, message);
    };
}

/** The part of kafkajs's cluster that is used here; kafkajs 2.2.4 is pinned. */
export interface Cluster {
  connect(): Promise<void>;
  disconnect(): Promise<void>;
  refreshMetadata(): Promise<void>;
  addMultipleTargetTopics(topics: string[]): Promise<void>;
  /** Of the brokers that are known. */
  getNodeIds(): string[];
  findTopicPartitionMetadata(topic: string): { partitionId: number; leader: number }[];
  /** Offsets of the first record (`fromBeginning`) or of the end. */
  fetchTopicsOffset(
    topics: { topic: string; partitions: { partition: number }[]; fromBeginning: boolean }[],
  ): Promise<{ topic: string; partitions: { partition: number; offset: string }[] }[]>;
  findBroker(node: { nodeId: number }): Promise<ClusterBroker>;
  findGroupCoordinator(of: { groupId: string; coordinatorType?: number }): Promise<Coordinator>;
  removeBroker(address: { host: string; port: number }): void;
}

interface GroupMember {
  groupId: string;
  memberId: string;
}

export interface ClusterBroker {
  /** By API key; absent before it is connected. */
  versions?: Record<number, { maxVersion: number }> | null;
  connectionPool: {
    host: string;
    port: number;
    send(exchange: RawExchange): Promise<unknown>;
    destroy(): Promise<void>;
  };
}

/** Of a group or, with `coordinatorType` 1, of a transactional id. */
export interface Coordinator extends ClusterBroker {
  leaveGroup(member: GroupMember): Promise<unknown>;
}

interface RawExchange {
  request: {
    apiKey: number;
    apiVersion: number;
    apiName: string;
    encode(): Promise<{ buf: Buffer; buffer: Buffer }>;
    /** The same bytes, where they are at hand: they are not copied. */
    body?: Buffer;
  };
  response: { decode(payload: Buffer): Promise<object>; parse(decoded: object): Promise<object> };
  logResponseError?: boolean;
}

/** A cluster of its own: a long poll on it delays nobody else. */
export function createCluster(
  kafka: KafkaClient,
  { metadata_max_age_ms }: Pick<KafkaSettings, 'metadata_max_age_ms'> = KAFKA_DEFAULTS,
): Cluster {
  const create = Object.getOwnPropertySymbols(kafka).find(
    (symbol) => symbol.description === 'private:Kafka:createCluster',
  );
  const factories = kafka as unknown as Record<symbol, (options: object) => Cluster>;
  const factory = create && factories[create];
  if (!factory)
    throw new ErrataError('E_KAFKAJS', 'this kafkajs has no createCluster', {
      hint: 'kafkajs 2.2.4 is needed',
    });
  return factory({ metadataMaxAge: metadata_max_age_ms, allowAutoTopicCreation: false });
}

/** Runs `use` with an admin client of its own. */
export async function withAdmin<Result>(
  kafka: KafkaClient,
  use: (admin: Admin) => Promise<Result>,
): Promise<Result> {
  const admin = kafka.admin();
  await admin.connect();
  try {
    return await use(admin);
  } finally {
    await admin.disconnect();
  }
}

/** Tells the group that a member is gone that cannot say so itself. */
export async function leaveGroup(kafka: KafkaClient, group_id: string, member_id: string): Promise<void> {
  const cluster = createCluster(kafka);
  try {
    await cluster.connect();
    const coordinator = await cluster.findGroupCoordinator({ groupId: group_id });
    await coordinator.leaveGroup({ groupId: group_id, memberId: member_id });
  } finally {
    await cluster.disconnect();
  }
}

const AWAY = new Set([
  'KafkaJSBrokerNotFound',
  'KafkaJSConnectionClosedError',
  'KafkaJSConnectionError',
  'KafkaJSGroupCoordinatorNotFound',
  'KafkaJSNoBrokerAvailableError',
  'KafkaJSRequestTimeoutError',
]);

/** Nobody answered; kafkajs wraps an error that it has given up on. */
export function isKafkaAway(error: unknown): boolean {
  return error instanceof Error && (AWAY.has(error.name) || isKafkaAway(error.cause));
}
