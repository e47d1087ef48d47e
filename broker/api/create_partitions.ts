import {
  array,
  boolean,
  int16,
  int32,
  nullableArray,
  nullableString,
  string,
  struct,
} from '../../wire/schema.ts';
import { type BrokerState, defineApi } from '../api.ts';
import { KAFKA_ERROR } from '../error_codes.ts';
import { MAX_PARTITIONS } from './create_topics.ts';

export const createPartitions = defineApi({
  key: 37,
  name: 'CreatePartitions',
  min_version: 0,
  max_version: 1,
  request: struct({
    topics: array(
      struct({
        name: string,
        count: int32,
        assignments: nullableArray(struct({ broker_ids: array(int32) })),
      }),
    ),
    timeout_ms: int32,
    validate_only: boolean,
  }),
  response: struct({
    throttle_ms: int32,
    results: array(struct({ name: string, error_code: int16, error_message: nullableString })),
  }),
  async handle({ topics, validate_only }, { broker }) {
    const results = [];
    for (const { name, count } of topics) {
      const [error_code, error_message] = problemOf(broker, name, count);
      results.push({ name, error_code, error_message });
      if (error_code === KAFKA_ERROR.NONE && !validate_only)
        await broker.topics.grow(broker.topics.get(name)!, count);
    }
    return { throttle_ms: 0, results };
  },
});

function problemOf(broker: BrokerState, name: string, count: number): readonly [number, string | null] {
  const topic = broker.topics.get(name);
  if (topic === undefined) {
    return [KAFKA_ERROR.UNKNOWN_TOPIC_OR_PARTITION, 'This server does not host this topic-partition.'];
  }
  const current = topic.partitions.length;
  if (count === current)
    return [KAFKA_ERROR.INVALID_PARTITIONS, `Topic already has ${current} partition(s).`];
  if (count < current) {
    const message = `The topic ${name} currently has ${current} partition(s); ${count} would not be an increase.`;
    return [KAFKA_ERROR.INVALID_PARTITIONS, message];
  }
  if (count > MAX_PARTITIONS) {
    return [KAFKA_ERROR.INVALID_PARTITIONS, `A topic has at most ${MAX_PARTITIONS} partitions.`];
  }
  return [KAFKA_ERROR.NONE, null];
}
