import { array, int16, int32, since, string, struct } from '../../wire/schema.ts';
import { type BrokerState, defineApi } from '../api.ts';
import { KAFKA_ERROR } from '../error_codes.ts';

export const deleteTopics = defineApi({
  key: 20,
  name: 'DeleteTopics',
  min_version: 0,
  max_version: 3,
  request: struct({ topics: array(string), timeout_ms: int32 }),
  response: struct({
    throttle_ms: since(1, int32),
    topics: array(struct({ name: string, error_code: int16 })),
  }),
  async handle({ topics }, { broker }) {
    const results = [];
    for (const name of topics) results.push({ name, error_code: await remove(broker, name) });
    return { throttle_ms: 0, topics: results };
  },
});

async function remove(broker: BrokerState, name: string): Promise<number> {
  const topic = broker.topics.get(name);
  if (topic === undefined) return KAFKA_ERROR.UNKNOWN_TOPIC_OR_PARTITION;
  await broker.topics.delete(topic);
  return KAFKA_ERROR.NONE;
}
