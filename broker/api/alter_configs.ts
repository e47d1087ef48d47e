import { array, boolean, int8, int16, int32, nullableString, string, struct } from '../../wire/schema.ts';
import { type BrokerState, defineApi } from '../api.ts';
import { KAFKA_ERROR } from '../error_codes.ts';
import { configProblem, type TopicConfigs } from '../log/topic_config.ts';
import { RESOURCE } from './describe_configs.ts';

/** What requests that alter configurations are answered with, one result per resource. */
export const alterResponse = struct({
  throttle_ms: int32,
  results: array(struct({ error_code: int16, error_message: nullableString, type: int8, name: string })),
});

/** Replaces all configurations of a topic: what is not named falls back to its default. */
export const alterConfigs = defineApi({
  key: 33,
  name: 'AlterConfigs',
  min_version: 0,
  max_version: 1,
  request: struct({
    resources: array(
      struct({ type: int8, name: string, configs: array(struct({ name: string, value: nullableString })) }),
    ),
    validate_only: boolean,
  }),
  response: alterResponse,
  async handle({ resources, validate_only }, { broker }) {
    const results = [];
    for (const { type, name, configs } of resources) {
      const problem = configs.map((config) => configProblem(config.name, config.value)).find(Boolean);
      const change = () => Object.fromEntries(configs.map((config) => [config.name, config.value ?? '']));
      results.push({ type, name, ...(await alterTopic(broker, type, name, problem, change, validate_only)) });
    }
    return { throttle_ms: 0, results };
  },
});

/** Sets a topic's configurations to what `change` makes of the present ones, unless there is a problem. */
export async function alterTopic(
  broker: BrokerState,
  type: number,
  name: string,
  problem: string | undefined,
  change: (present: TopicConfigs) => TopicConfigs,
  validate_only: boolean,
): Promise<{ error_code: number; error_message: string | null }> {
  if (type !== RESOURCE.topic) {
    return { error_code: KAFKA_ERROR.INVALID_REQUEST, error_message: 'Only topics can be configured here.' };
  }
  const topic = broker.topics.get(name);
  if (topic === undefined) {
    const error_message = `The topic '${name}' does not exist.`;
    return { error_code: KAFKA_ERROR.UNKNOWN_TOPIC_OR_PARTITION, error_message };
  }
  if (problem !== undefined) return { error_code: KAFKA_ERROR.INVALID_CONFIG, error_message: problem };
  if (!validate_only) await broker.topics.configure(topic, change(topic.configs));
  return { error_code: KAFKA_ERROR.NONE, error_message: null };
}
