/** The committer that a plan's guarantee asks for, and what it needs of Kafka. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from 'pino';
import { ErrataError } from '../messages/errata_error.ts';
import { AtLeastOnceCommitter, type CommitPorts, type Committer } from './committer.ts';
import type { OutputRecord } from './effects.ts';
import { type Admin, createCluster, type KafkaClient, type KafkaSettings } from './kafka.ts';
import { isPassing } from './kafka_errors.ts';
import type { Membership } from './membership.ts';
import type { ResolvedPlan } from './plan.ts';
import { writeDeadLetter } from './record_format.ts';
import { RecordProducer } from './record_producer.ts';
import { TransactionalCommitter } from './transactional_committer.ts';
import { TransactionalProducer } from './transactional_producer.ts';

export interface Place {
  topic: string;
  partition: number;
}

export interface CommitterParts {
  kafka: KafkaClient;
  settings: Pick<KafkaSettings, 'transaction_timeout_ms' | 'metadata_max_age_ms'>;
  membership: Pick<Membership, 'commit'>;
  /** Offsets that the group has committed, null where it has none. */
  committed(places: Place[]): Promise<(number | null)[]>;
  log: Logger;
}

export function createCommitter(plan: ResolvedPlan, parts: CommitterParts): Committer {
  const { kafka, settings, membership, committed, log } = parts;
  const deadLetter = (record: OutputRecord, refusal: ErrataError) => refusedOutput(plan, record, refusal);
  if (plan.guarantee === 'at_least_once') {
    const cluster = createCluster(kafka, settings);
    const producer = new RecordProducer(cluster, deadLetter);
    const ports: CommitPorts = {
      flush: (outbox) => producer.flush(outbox),
      commitOffsets: (offsets) => membership.commit(offsets),
      close: () => cluster.disconnect(),
    };
    return new AtLeastOnceCommitter(ports, log);
  }
  const createProducer = (transactional_id: string) => {
    const identity = {
      transactional_id,
      group_id: plan.group_id,
      timeout_ms: settings.transaction_timeout_ms,
    };
    return new TransactionalProducer(createCluster(kafka, settings), identity, deadLetter);
  };
  return new TransactionalCommitter(plan, { createProducer, committedOffsets: committed }, log);
}

const PAUSES_MS = [50, 100, 200, 400, 800, 1_000, 1_000];

/**
 * Asks again where Kafka is not ready: a coordinator that moves, a broker that is away. What a few seconds do not mend is
 * for a worker with new connections.
 */
export function committedOffsets(
  admin: Admin,
  group_id: string,
  places: Place[],
): Promise<(number | null)[]> {
  return askedAgain(admin, () => askOffsets(admin, group_id, places));
}

/** The offset behind the last record. */
export async function endOffset(admin: Admin, { topic, partition }: Place): Promise<number> {
  const ends = await askedAgain(admin, () => admin.fetchTopicOffsets(topic));
  const found = ends.find((end) => end.partition === partition);
  if (found) return Number(found.high);
  throw new ErrataError('E_TOPIC_MISSING', `there is no partition ${partition} of topic ${topic}`);
}

async function askedAgain<Answer>(admin: Admin, ask: () => Promise<Answer>): Promise<Answer> {
  for (const pause_ms of PAUSES_MS) {
    try {
      return await ask();
    } catch (error) {
      if (!isPassing(error)) throw error;
    }
    await delay(pause_ms);
    // This makes kafkajs learn which brokers there are; offsets alone do not.
    await admin.describeCluster().catch(() => undefined);
  }
  return await ask();
}

async function askOffsets(admin: Admin, group_id: string, places: Place[]): Promise<(number | null)[]> {
  const topics = [...new Set(places.map(({ topic }) => topic))];
  const found = await admin.fetchOffsets({ groupId: group_id, topics });
  return places.map(({ topic, partition }) => {
    const of = found.find((one) => one.topic === topic)?.partitions;
    const offset = Number(of?.find((one) => one.partition === partition)?.offset ?? -1);
    return offset < 0 ? null : offset;
  });
}

const REFUSALS: Record<string, string> = {
  E_KAFKA_MESSAGE_TOO_LARGE: 'output_too_large',
  E_KAFKA_RECORD_LIST_TOO_LARGE: 'output_too_large',
};

/** What is dead-lettered in place of an output that its topic does not take. */
export function refusedOutput(plan: ResolvedPlan, record: OutputRecord, refusal: ErrataError): OutputRecord {
  const { topic: source, partition, key, headers } = record;
  const value = record.value === null ? null : Buffer.from(record.value);
  const timestamp_ms = record.timestamp_ms ?? Date.now();
  const refused = { source, topic: source, partition, offset: -1, timestamp_ms, value, headers };
  const topic = plan.dead_letter_topic;
  const letter = writeDeadLetter(
    { ...refused, key: key === null ? null : Buffer.from(key) },
    { code: REFUSALS[refusal.code] ?? 'output_refused', message: refusal.message },
  );
  return { topic, partition: partition % plan.partitions[topic]!, ...letter };
}
