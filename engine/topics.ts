/** Sees to it that all topics of a plan exist, and learns how many partitions each has. */
import { setTimeout as delay } from 'node:timers/promises';
import { ErrataError, errorMessage } from '../messages/errata_error.ts';
import { denied } from './check_rights.ts';
import type { Admin } from './kafka.ts';
import { kafkaErrorTypes } from './kafka_errors.ts';
import { offsetsTopic, type Plan, type ResolvedPlan, type TopicPlan } from './plan.ts';

const VISIBLE_WITHIN_MS = 30_000;

/**
 * Makes what is missing. Throws E_PARTITIONS_CHANGED where partition counts do not fit together (any more),
 * E_KAFKA_DENIED where this process may not make a topic, and E_TOPIC_MISSING where one could not be made.
 */
export async function ensureTopics(admin: Admin, plan: Plan): Promise<ResolvedPlan> {
  const partitions = await existing(admin, plan.topics);
  for (const topic of plan.topics) {
    if (partitions[topic.name] !== undefined) continue;
    const count = wantedCount(topic, partitions);
    await createTopic(admin, topic, count, plan.replication);
    partitions[topic.name] = count;
  }
  await waitUntilVisible(admin, plan, partitions);
  checkCounts(plan, partitions);
  return { ...plan, partitions };
}

async function existing(admin: Admin, topics: TopicPlan[]): Promise<Record<string, number>> {
  const present = new Set(await admin.listTopics());
  const wanted = topics.map(({ name }) => name).filter((name) => present.has(name));
  if (wanted.length === 0) return {};
  const metadata = await admin.fetchTopicMetadata({ topics: wanted });
  return Object.fromEntries(metadata.topics.map(({ name, partitions }) => [name, partitions.length]));
}

function wantedCount({ name, partitions }: TopicPlan, known: Record<string, number>): number {
  if ('count' in partitions) return partitions.count;
  const count = known[partitions.like];
  if (count === undefined)
    throw new ErrataError('E_PLAN', `${name} follows ${partitions.like}, which comes after it in the plan`);
  return count;
}

/** Somebody else may have made it meanwhile. Throws E_KAFKA_DENIED and E_TOPIC_MISSING. */
export async function createTopic(
  admin: Admin,
  topic: Pick<TopicPlan, 'name' | 'config'>,
  numPartitions: number,
  replication: number | undefined,
): Promise<void> {
  try {
    // False where somebody else has made it in the meantime.
    await admin.createTopics({
      // kafkajs does not wait but throws where a broker has not heard of the new topic yet.
      waitForLeaders: false,
      topics: [
        {
          topic: topic.name,
          numPartitions,
          ...(replication === undefined ? {} : { replicationFactor: replication }),
          configEntries: Object.entries(topic.config).map(([name, value]) => ({ name, value })),
        },
      ],
    });
  } catch (cause) {
    if (kafkaErrorTypes(cause).some((type) => type.endsWith('_AUTHORIZATION_FAILED')))
      throw denied(
        [{ resource: 'topic', pattern: 'literal', name: topic.name, operations: ['Create'] }],
        cause,
      );
    throw new ErrataError(
      'E_TOPIC_MISSING',
      `topic ${topic.name} could not be made: ${errorMessage(cause)}`,
      {
        hint: 'make it by hand, or allow this client to create topics',
        cause,
      },
    );
  }
}

async function waitUntilVisible(admin: Admin, plan: Plan, partitions: Record<string, number>): Promise<void> {
  const deadline_ms = Date.now() + VISIBLE_WITHIN_MS;
  for (;;) {
    const found = await existing(admin, plan.topics).catch(nothingYet);
    const missing = plan.topics.find(({ name }) => !found[name]);
    if (!missing) {
      Object.assign(partitions, found);
      return;
    }
    if (Date.now() > deadline_ms)
      throw new ErrataError('E_TOPIC_MISSING', `topic ${missing.name} was made but does not appear`);
    await delay(100);
  }
}

/** A topic that was just made may be listed before every broker knows its partitions and leaders. */
function nothingYet(error: unknown): Record<string, number> {
  if ((error as { retriable?: unknown }).retriable === true) return {};
  throw error;
}

/** State, positions and keys are tied to partition numbers: a count that changes would tear them apart. */
function checkCounts(plan: Plan, partitions: Record<string, number>): void {
  for (const { name, inputs, changelog, partitions_topic } of plan.stages) {
    const recorded = changelog ?? partitions_topic;
    const read = inputs.flatMap((input) => [...new Set([input.topic, offsetsTopic(input)])]);
    const [first, ...others] = [...read, ...(recorded ? [recorded] : [])];
    for (const other of others) {
      if (partitions[other] === partitions[first!]) continue;
      throw partitionsChanged(
        `stage ${name}: ${first} has ${partitions[first!]} partitions, ${other} has ${partitions[other]}`,
      );
    }
  }
}

export function partitionsChanged(message: string): ErrataError {
  return new ErrataError('E_PARTITIONS_CHANGED', message, {
    hint: 'a topic’s partitions must not change under a running topology: start it under another namespace, or make the counts equal',
  });
}
