import {
  array,
  boolean,
  type Decoded,
  int16,
  int32,
  nullableString,
  since,
  string,
  struct,
} from '../../wire/schema.ts';
import { type BrokerState, defineApi, NODE_ID } from '../api.ts';
import { KAFKA_ERROR } from '../error_codes.ts';
import { configProblem } from '../log/topic_config.ts';
import { topicNameProblem } from '../log/topics.ts';

/** More would only be a mistake on a single node. */
export const MAX_PARTITIONS = 10_000;
const BROKER_DEFAULT = -1;

const newTopic = struct({
  name: string,
  partitions: int32,
  replication_factor: int16,
  assignments: array(struct({ partition: int32, broker_ids: array(int32) })),
  configs: array(struct({ name: string, value: nullableString })),
});
type NewTopic = Decoded<typeof newTopic>;

export const createTopics = defineApi({
  key: 19,
  name: 'CreateTopics',
  min_version: 0,
  max_version: 4,
  request: struct({ topics: array(newTopic), timeout_ms: int32, validate_only: since(1, boolean) }),
  response: struct({
    throttle_ms: since(2, int32),
    topics: array(struct({ name: string, error_code: int16, error_message: since(1, nullableString) })),
  }),
  async handle({ topics, validate_only }, { broker }) {
    const results = [];
    for (const topic of topics) {
      const is_repeated = topics.filter(({ name }) => name === topic.name).length > 1;
      const [error_code, error_message] = is_repeated
        ? [KAFKA_ERROR.INVALID_REQUEST, 'Create topics request contains multiple entries of the same topic.']
        : problemOf(broker, topic);
      results.push({ name: topic.name, error_code, error_message });
      if (error_code === KAFKA_ERROR.NONE && !validate_only) await create(broker, topic);
    }
    return { throttle_ms: 0, topics: results };
  },
});

type Problem = readonly [error_code: number, error_message: string | null];

function problemOf(
  broker: BrokerState,
  { name, partitions, replication_factor, assignments, configs }: NewTopic,
): Problem {
  const name_problem = topicNameProblem(name);
  if (name_problem) return [KAFKA_ERROR.INVALID_TOPIC_EXCEPTION, name_problem];
  if (broker.topics.get(name)) return [KAFKA_ERROR.TOPIC_ALREADY_EXISTS, `Topic '${name}' already exists.`];
  const colliding = broker.topics.colliding(name);
  if (colliding) {
    return [
      KAFKA_ERROR.INVALID_TOPIC_EXCEPTION,
      `Topic '${name}' collides with existing topic: ${colliding}`,
    ];
  }
  const shape_problem =
    assignments.length > 0 ? assignmentProblem(assignments) : countProblem(partitions, replication_factor);
  if (shape_problem) return shape_problem;
  const config_problem = configs.map((config) => configProblem(config.name, config.value)).find(Boolean);
  return config_problem ? [KAFKA_ERROR.INVALID_CONFIG, config_problem] : [KAFKA_ERROR.NONE, null];
}

function countProblem(partitions: number, replication_factor: number): Problem | undefined {
  if (partitions !== BROKER_DEFAULT && (partitions < 1 || partitions > MAX_PARTITIONS)) {
    return [
      KAFKA_ERROR.INVALID_PARTITIONS,
      `Number of partitions must be 1 to ${MAX_PARTITIONS}, or -1 for the default.`,
    ];
  }
  if (replication_factor === BROKER_DEFAULT || replication_factor === 1) return undefined;
  const message =
    replication_factor < 1
      ? 'Replication factor must be larger than 0, or -1 to use the default value.'
      : `Unable to replicate the partition ${replication_factor} time(s): there is only 1 broker.`;
  return [KAFKA_ERROR.INVALID_REPLICATION_FACTOR, message];
}

function assignmentProblem(assignments: NewTopic['assignments']): Problem | undefined {
  const partitions = new Set(assignments.map(({ partition }) => partition));
  const is_consecutive = assignments.every((_, partition) => partitions.has(partition));
  const is_here = assignments.every(({ broker_ids }) => broker_ids.length === 1 && broker_ids[0] === NODE_ID);
  if (is_consecutive && is_here) return undefined;
  return [
    KAFKA_ERROR.INVALID_REPLICA_ASSIGNMENT,
    `Partitions must be consecutive from 0, on broker ${NODE_ID}.`,
  ];
}

async function create(
  broker: BrokerState,
  { name, partitions, assignments, configs }: NewTopic,
): Promise<void> {
  const asked = assignments.length > 0 ? assignments.length : partitions;
  const count = asked === BROKER_DEFAULT ? broker.config.default_partitions : asked;
  const given = Object.fromEntries(configs.map((config) => [config.name, config.value ?? '']));
  await broker.topics.create(name, count, given);
}
