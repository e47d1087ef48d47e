import {
  array,
  between,
  boolean,
  int8,
  int16,
  int32,
  nullableArray,
  nullableString,
  since,
  string,
  struct,
} from '../../wire/schema.ts';
import { type BrokerState, defineApi } from '../api.ts';
import { KAFKA_ERROR } from '../error_codes.ts';
import { TOPIC_CONFIGS } from '../log/topic_config.ts';
import { topicNameProblem } from '../log/topics.ts';

/** The kinds of resource that requests about configurations name. */
export const RESOURCE = { topic: 2, broker: 4 } as const;
const SOURCE = { topic: 1, broker_static: 4, default: 5 } as const;
const TYPE = { boolean: 1, string: 2, int: 3, long: 5, double: 6, list: 7 } as const;

export const describeConfigs = defineApi({
  key: 32,
  name: 'DescribeConfigs',
  min_version: 0,
  max_version: 3,
  request: struct({
    resources: array(struct({ type: int8, name: string, config_names: nullableArray(string) })),
    include_synonyms: since(1, boolean),
    include_documentation: since(3, boolean),
  }),
  response: struct({
    throttle_ms: int32,
    results: array(
      struct({
        error_code: int16,
        error_message: nullableString,
        type: int8,
        name: string,
        configs: array(
          struct({
            name: string,
            value: nullableString,
            read_only: boolean,
            is_default: between(0, 0, boolean),
            source: since(1, int8),
            is_sensitive: boolean,
            synonyms: since(1, array(struct({ name: string, value: nullableString, source: int8 }))),
            config_type: since(3, int8),
            documentation: since(3, nullableString),
          }),
        ),
      }),
    ),
  }),
  handle({ resources }, { broker }) {
    const results = resources.map(({ type, name, config_names }) => {
      const found = describe(broker, type, name);
      const configs = found.configs.filter((config) => config_names?.includes(config.name) ?? true);
      return { type, name, ...found, configs };
    });
    return { throttle_ms: 0, results };
  },
});

interface Entry {
  name: string;
  value: string | null;
  source: number;
  config_type: number;
}

function describe(broker: BrokerState, type: number, name: string) {
  const none = { error_code: KAFKA_ERROR.NONE as number, error_message: null as string | null, configs: [] };
  if (type === RESOURCE.broker)
    return { ...none, configs: brokerEntries(broker).map((entry) => shown(entry, true)) };
  if (type !== RESOURCE.topic) {
    return {
      ...none,
      error_code: KAFKA_ERROR.INVALID_REQUEST,
      error_message: `Unsupported resource type: ${type}`,
    };
  }
  const name_problem = topicNameProblem(name);
  if (name_problem)
    return { ...none, error_code: KAFKA_ERROR.INVALID_TOPIC_EXCEPTION, error_message: name_problem };
  const topic = broker.topics.get(name);
  if (topic === undefined) return { ...none, error_code: KAFKA_ERROR.UNKNOWN_TOPIC_OR_PARTITION };
  const entries = Object.entries(TOPIC_CONFIGS).map(([config, { kind, value }]) => ({
    name: config,
    value: topic.configs[config] ?? value,
    source: config in topic.configs ? SOURCE.topic : SOURCE.default,
    config_type: TYPE[kind],
  }));
  return { ...none, configs: entries.map((entry) => shown(entry, false)) };
}

function brokerEntries({ config }: BrokerState): Entry[] {
  const entry = (name: string, value: string | number | boolean, config_type: number): Entry => ({
    name,
    value: String(value),
    source: SOURCE.broker_static,
    config_type,
  });
  return [
    entry('auto.create.topics.enable', config.auto_create_topics, TYPE.boolean),
    entry('num.partitions', config.default_partitions, TYPE.int),
    entry('socket.request.max.bytes', config.max_request_bytes, TYPE.int),
    entry('log.retention.check.interval.ms', config.retention_interval_ms, TYPE.long),
    entry('group.min.session.timeout.ms', config.min_session_timeout_ms, TYPE.int),
    entry('group.max.session.timeout.ms', config.max_session_timeout_ms, TYPE.int),
  ];
}

function shown({ name, value, source, config_type }: Entry, read_only: boolean) {
  const is_default = source === SOURCE.default;
  return {
    name,
    value,
    read_only,
    is_default,
    source,
    is_sensitive: false,
    synonyms: [],
    config_type,
    documentation: null,
  };
}
