import { array, boolean, type Decoded, int8, nullableString, string, struct } from '../../wire/schema.ts';
import { defineApi } from '../api.ts';
import { configProblem, configValue, TOPIC_CONFIGS, type TopicConfigs } from '../log/topic_config.ts';
import { alterResponse, alterTopic } from './alter_configs.ts';

const OPERATION = { set: 0, delete: 1, append: 2, subtract: 3 } as const;

const configChange = struct({ name: string, operation: int8, value: nullableString });
type ConfigChange = Decoded<typeof configChange>;

/** Changes single configurations of a topic and leaves the others (KIP-339). */
export const incrementalAlterConfigs = defineApi({
  key: 44,
  name: 'IncrementalAlterConfigs',
  min_version: 0,
  max_version: 0,
  request: struct({
    resources: array(struct({ type: int8, name: string, configs: array(configChange) })),
    validate_only: boolean,
  }),
  response: alterResponse,
  async handle({ resources, validate_only }, { broker }) {
    const results = [];
    for (const { type, name, configs } of resources) {
      const problem = configs.map(problemOf).find(Boolean);
      const change = (present: TopicConfigs) => configs.reduce(applied, present);
      results.push({ type, name, ...(await alterTopic(broker, type, name, problem, change, validate_only)) });
    }
    return { throttle_ms: 0, results };
  },
});

function problemOf({ name, operation, value }: ConfigChange): string | undefined {
  if (operation === OPERATION.delete) return name in TOPIC_CONFIGS ? undefined : configProblem(name, null);
  if (operation === OPERATION.set) return configProblem(name, value);
  if (operation !== OPERATION.append && operation !== OPERATION.subtract)
    return `Unknown operation ${operation}`;
  if (TOPIC_CONFIGS[name]?.kind !== 'list')
    return `Config value append is not allowed for config key: ${name}`;
  return configProblem(name, value);
}

function applied(configs: TopicConfigs, { name, operation, value }: ConfigChange): TopicConfigs {
  const { [name]: _present, ...others } = configs;
  if (operation === OPERATION.delete) return others;
  if (operation === OPERATION.set) return { ...others, [name]: value ?? '' };
  const given = (value ?? '').split(',');
  const kept = configValue(configs, name)
    .split(',')
    .filter((one) => one !== '' && !given.includes(one));
  return { ...others, [name]: (operation === OPERATION.append ? [...kept, ...given] : kept).join(',') };
}
