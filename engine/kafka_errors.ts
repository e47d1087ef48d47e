/**
 * What Kafka's error codes mean for whoever asked, in one place.
 *
 * - `retry`: it passes; wait and ask again.
 * - `fence`: somebody else has what was ours; begin anew.
 * - `set_aside`: the records are at fault, and only they.
 * - `fatal`: asking again gets the same answer; people have to change something.
 *
 * Source: org.apache.kafka.common.protocol.Errors; `retry` is what extends RetriableException there, and what a new
 * transaction mends. A code that is not listed is taken for `retry`, and told as the trouble that it is.
 */
import { ErrataError } from '../messages/errata_error.ts';

export type ErrorClass = 'retry' | 'fence' | 'set_aside' | 'fatal';

const ERRORS: readonly (readonly [code: number, name: string, class_: ErrorClass])[] = [
  [-1, 'UNKNOWN_SERVER_ERROR', 'retry'],
  [1, 'OFFSET_OUT_OF_RANGE', 'retry'],
  [2, 'CORRUPT_MESSAGE', 'retry'],
  [3, 'UNKNOWN_TOPIC_OR_PARTITION', 'retry'],
  [5, 'LEADER_NOT_AVAILABLE', 'retry'],
  [6, 'NOT_LEADER_OR_FOLLOWER', 'retry'],
  [7, 'REQUEST_TIMED_OUT', 'retry'],
  [8, 'BROKER_NOT_AVAILABLE', 'retry'],
  [9, 'REPLICA_NOT_AVAILABLE', 'retry'],
  [10, 'MESSAGE_TOO_LARGE', 'set_aside'],
  [12, 'OFFSET_METADATA_TOO_LARGE', 'fatal'],
  [13, 'NETWORK_EXCEPTION', 'retry'],
  [14, 'COORDINATOR_LOAD_IN_PROGRESS', 'retry'],
  [15, 'COORDINATOR_NOT_AVAILABLE', 'retry'],
  [16, 'NOT_COORDINATOR', 'retry'],
  [17, 'INVALID_TOPIC_EXCEPTION', 'fatal'],
  [18, 'RECORD_LIST_TOO_LARGE', 'set_aside'],
  [19, 'NOT_ENOUGH_REPLICAS', 'retry'],
  [20, 'NOT_ENOUGH_REPLICAS_AFTER_APPEND', 'retry'],
  [21, 'INVALID_REQUIRED_ACKS', 'fatal'],
  [22, 'ILLEGAL_GENERATION', 'retry'],
  [24, 'INVALID_GROUP_ID', 'fatal'],
  [25, 'UNKNOWN_MEMBER_ID', 'retry'],
  [27, 'REBALANCE_IN_PROGRESS', 'retry'],
  [28, 'INVALID_COMMIT_OFFSET_SIZE', 'fatal'],
  [29, 'TOPIC_AUTHORIZATION_FAILED', 'fatal'],
  [30, 'GROUP_AUTHORIZATION_FAILED', 'fatal'],
  [31, 'CLUSTER_AUTHORIZATION_FAILED', 'fatal'],
  [32, 'INVALID_TIMESTAMP', 'set_aside'],
  [33, 'UNSUPPORTED_SASL_MECHANISM', 'fatal'],
  [35, 'UNSUPPORTED_VERSION', 'fatal'],
  [42, 'INVALID_REQUEST', 'fatal'],
  [43, 'UNSUPPORTED_FOR_MESSAGE_FORMAT', 'fatal'],
  [44, 'POLICY_VIOLATION', 'fatal'],
  [45, 'OUT_OF_ORDER_SEQUENCE_NUMBER', 'retry'],
  [46, 'DUPLICATE_SEQUENCE_NUMBER', 'retry'],
  [47, 'INVALID_PRODUCER_EPOCH', 'fence'],
  [48, 'INVALID_TXN_STATE', 'retry'],
  [49, 'INVALID_PRODUCER_ID_MAPPING', 'fence'],
  [50, 'INVALID_TRANSACTION_TIMEOUT', 'fatal'],
  [51, 'CONCURRENT_TRANSACTIONS', 'retry'],
  [52, 'TRANSACTION_COORDINATOR_FENCED', 'retry'],
  [53, 'TRANSACTIONAL_ID_AUTHORIZATION_FAILED', 'fatal'],
  [54, 'SECURITY_DISABLED', 'fatal'],
  [55, 'OPERATION_NOT_ATTEMPTED', 'retry'],
  [56, 'KAFKA_STORAGE_ERROR', 'retry'],
  [59, 'UNKNOWN_PRODUCER_ID', 'retry'],
  [72, 'LISTENER_NOT_FOUND', 'retry'],
  [74, 'FENCED_LEADER_EPOCH', 'retry'],
  [75, 'UNKNOWN_LEADER_EPOCH', 'retry'],
  [76, 'UNSUPPORTED_COMPRESSION_TYPE', 'fatal'],
  [78, 'OFFSET_NOT_AVAILABLE', 'retry'],
  [82, 'FENCED_INSTANCE_ID', 'fence'],
  [87, 'INVALID_RECORD', 'set_aside'],
  [88, 'UNSTABLE_OFFSET_COMMIT', 'retry'],
  [89, 'THROTTLING_QUOTA_EXCEEDED', 'retry'],
  [90, 'PRODUCER_FENCED', 'fence'],
  [120, 'TRANSACTION_ABORTABLE', 'retry'],
];

/** What people can do about an error that is fatal. */
const HINTS: Record<string, string> = {
  TOPIC_AUTHORIZATION_FAILED: 'grant this principal READ, WRITE and DESCRIBE on the topic',
  GROUP_AUTHORIZATION_FAILED: 'grant this principal READ on the consumer group',
  CLUSTER_AUTHORIZATION_FAILED: 'grant this principal IDEMPOTENT_WRITE on the cluster',
  TRANSACTIONAL_ID_AUTHORIZATION_FAILED: 'grant this principal WRITE and DESCRIBE on the transactional ids',
  INVALID_TOPIC_EXCEPTION: 'rename the topic: Kafka takes letters, digits, ".", "_" and "-"',
  INVALID_TRANSACTION_TIMEOUT: 'raise transaction.max.timeout.ms of the brokers',
  POLICY_VIOLATION: 'the cluster has a policy against it: ask who runs it',
  UNSUPPORTED_VERSION: 'a broker of Apache Kafka 2.4 or later is needed',
};
const PREFIX = 'E_KAFKA_';

const BY_CODE = new Map(ERRORS.map(([code, name]) => [code, name]));
const CLASSES = new Map(ERRORS.map(([, name, class_]) => [name, class_]));
/** kafkajs still calls them as Kafka did. */
const FORMER_NAMES: Record<string, string> = {
  UNKNOWN: 'UNKNOWN_SERVER_ERROR',
  NOT_LEADER_FOR_PARTITION: 'NOT_LEADER_OR_FOLLOWER',
  GROUP_LOAD_IN_PROGRESS: 'COORDINATOR_LOAD_IN_PROGRESS',
  GROUP_COORDINATOR_NOT_AVAILABLE: 'COORDINATOR_NOT_AVAILABLE',
  NOT_COORDINATOR_FOR_GROUP: 'NOT_COORDINATOR',
};

/** `about` is what was asked for, e.g. `topic mail.alerts/3`. Its code is `E_KAFKA_` and Kafka's name. */
export function kafkaError(error_code: number, about: string): ErrataError {
  return named(BY_CODE.get(error_code) ?? `ERROR_${error_code}`, about);
}

/** Throws what the code stands for; 0 is none. */
export function failIf(error_code: number, about: string): void {
  if (error_code !== 0) throw kafkaError(error_code, about);
}

/** Of an answer for several partitions: the error that says most, with its partition. */
export function failIfAny(
  topics: readonly {
    name: string;
    partitions: readonly { partition: number; error_code: number }[];
  }[],
): void {
  const failed = topics.flatMap(({ name, partitions }) =>
    partitions.filter(({ error_code }) => error_code !== 0).map((one) => ({ ...one, name })),
  );
  // The others were not attempted because of it.
  const worst = failed.find(({ error_code }) => BY_CODE.get(error_code) !== 'OPERATION_NOT_ATTEMPTED');
  const shown = worst ?? failed[0];
  if (shown) throw kafkaError(shown.error_code, `topic ${shown.name}/${shown.partition}`);
}

/** Kafka's names of what went wrong, e.g. `ILLEGAL_GENERATION`; kafkajs wraps an error that it has given up on, and several. */
export function kafkaErrorTypes(error: unknown): string[] {
  if (!(error instanceof Error)) return [];
  const type = error instanceof ErrataError ? typeOf(error.code) : (error as { type?: unknown }).type;
  const known = typeof type === 'string' ? [FORMER_NAMES[type] ?? type] : [];
  const { errors = [] } = error as { errors?: unknown[] };
  return [...known, ...errors.flatMap(kafkaErrorTypes), ...kafkaErrorTypes(error.cause)];
}

/** What is not of Kafka's protocol (a connection that broke) passes. */
export function classOf(error: unknown): ErrorClass {
  for (const type of kafkaErrorTypes(error)) {
    const found = CLASSES.get(type);
    if (found) return found;
  }
  return 'retry';
}

/** Of what kafkajs throws: where asking again later may help. */
export function isPassing(error: unknown): boolean {
  const { name } = error as Error;
  return name.startsWith('KafkaJS') && !name.includes('SASL') && classOf(error) === 'retry';
}

/** What ends a topology. `code` is that of an ErrataError. */
export function isFatal(code: string): boolean {
  return CLASSES.get(typeOf(code) ?? '') === 'fatal';
}

/** A fatal error with its own code, also where kafkajs threw it. */
export function fatalError(error: unknown): ErrataError {
  if (error instanceof ErrataError) return error;
  const name = kafkaErrorTypes(error).find((type) => CLASSES.get(type) === 'fatal')!;
  return named(name, error instanceof Error ? error.message : String(error), error);
}

function named(name: string, about: string, cause?: unknown): ErrataError {
  const hint = HINTS[name];
  return new ErrataError(`${PREFIX}${name}`, `Kafka answers ${name}: ${about}`, {
    ...(hint ? { hint } : {}),
    cause,
  });
}

function typeOf(code: string): string | undefined {
  return code.startsWith(PREFIX) ? code.slice(PREFIX.length) : undefined;
}
