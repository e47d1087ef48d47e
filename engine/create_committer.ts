/** The committer that a plan's guarantee asks for, and what it needs of Kafka. */
import type { Logger } from 'pino';
import { AtLeastOnceCommitter, type Committer } from './committer.ts';
import type { OutputRecord } from './effects.ts';
import type { Admin, KafkaClient, KafkaSettings, Producer } from './kafka.ts';
import type { Membership } from './membership.ts';
import type { ResolvedPlan } from './plan.ts';
import { writeDeadLetter } from './record_format.ts';
import { TransactionalCommitter } from './transactional_committer.ts';

export interface Place {
  topic: string;
  partition: number;
}

export interface CommitterParts {
  kafka: KafkaClient;
  settings: Pick<KafkaSettings, 'transaction_timeout_ms'>;
  membership: Pick<Membership, 'commit'>;
  /** Offsets that the group has committed, null where it has none. */
  committed(places: Place[]): Promise<(number | null)[]>;
  log: Logger;
}

export async function createCommitter(plan: ResolvedPlan, parts: CommitterParts): Promise<Committer> {
  const { kafka, settings, membership, committed, log } = parts;
  const deadLetter = (record: OutputRecord) => tooLarge(plan, record);
  if (plan.guarantee === 'at_least_once') {
    const producer = await connected(kafka.producer(PRODUCER));
    return new AtLeastOnceCommitter(producer, membership, deadLetter, log);
  }
  const createProducer = (transactionalId: string) =>
    connected(
      kafka.producer({
        ...PRODUCER,
        transactionalId,
        idempotent: true,
        maxInFlightRequests: 1,
        transactionTimeout: settings.transaction_timeout_ms,
      }),
    );
  const ports = { group_id: plan.group_id, createProducer, committedOffsets: committed };
  return new TransactionalCommitter(plan, ports, deadLetter, log);
}

export async function committedOffsets(
  admin: Admin,
  group_id: string,
  places: Place[],
): Promise<(number | null)[]> {
  const topics = [...new Set(places.map(({ topic }) => topic))];
  const found = await admin.fetchOffsets({ groupId: group_id, topics });
  return places.map(({ topic, partition }) => {
    const of = found.find((one) => one.topic === topic)?.partitions;
    const offset = Number(of?.find((one) => one.partition === partition)?.offset ?? -1);
    return offset < 0 ? null : offset;
  });
}

/** Every output names its partition. */
const PRODUCER = {
  allowAutoTopicCreation: false,
  createPartitioner:
    () =>
    ({ message }: { message: { partition?: number } }) =>
      message.partition!,
};

async function connected(producer: Producer): Promise<Producer> {
  await producer.connect();
  return producer;
}

/** What is dead-lettered in place of an output that its topic does not take. */
function tooLarge(plan: ResolvedPlan, record: OutputRecord): OutputRecord {
  const value = record.value === null ? null : Buffer.from(record.value);
  const size_bytes = value?.length ?? 0;
  const written = writeDeadLetter(
    {
      source: record.topic,
      topic: record.topic,
      partition: record.partition,
      offset: -1,
      timestamp_ms: record.timestamp_ms ?? Date.now(),
      key: record.key === null ? null : Buffer.from(record.key),
      value,
      headers: {},
    },
    { code: 'output_too_large', message: `${size_bytes} bytes are more than topic ${record.topic} takes` },
  );
  const topic = plan.dead_letter_topic;
  return { topic, partition: record.partition % plan.partitions[topic]!, ...written };
}
