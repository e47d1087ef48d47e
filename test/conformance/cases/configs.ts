import kafkajs from 'kafkajs';
import { type ConformanceCase, outcome, type Scope, until } from '../conformance_case.ts';

const NAMES = [
  'cleanup.policy',
  'retention.ms',
  'retention.bytes',
  'max.message.bytes',
  'message.timestamp.type',
  'message.timestamp.after.max.ms',
  'message.timestamp.before.max.ms',
  'compression.type',
  'min.insync.replicas',
  'segment.bytes',
  'delete.retention.ms',
  'min.cleanable.dirty.ratio',
];

async function describe(scope: Scope, topic: string, configNames: string[] = NAMES) {
  const admin = await scope.admin();
  const { resources } = await admin.describeConfigs({
    includeSynonyms: false,
    resources: [{ type: kafkajs.ConfigResourceTypes.TOPIC, name: topic, configNames }],
  });
  const entries = resources[0]!.configEntries.map(
    ({ configName, configValue, readOnly, isSensitive, configSource }) => ({
      configName,
      configValue,
      readOnly,
      isSensitive,
      is_of_topic: Number(configSource) === 1,
    }),
  );
  return entries.toSorted((a, b) => a.configName.localeCompare(b.configName));
}

/** Kafka's broker learns of a change a moment after the controller; the last change of the cases resets this one. */
function withDefaultRetention(scope: Scope, topic: string, names: string[]) {
  const is_default = ({ configName, is_of_topic }: { configName: string; is_of_topic: boolean }) =>
    configName === 'retention.ms' && !is_of_topic;
  return until(
    () => describe(scope, topic, names),
    (entries) => entries.some(is_default),
  );
}

export const configs: ConformanceCase[] = [
  {
    name: 'a topic has its own configurations and defaults for the others',
    async run(scope) {
      return describe(
        scope,
        await scope.topic('t', 1, { 'retention.ms': '3600000', 'cleanup.policy': 'compact,delete' }),
      );
    },
  },
  {
    name: 'altering replaces what the topic had',
    async run(scope) {
      const topic = await scope.topic('t', 1, { 'retention.ms': '3600000' });
      const admin = await scope.admin();
      const alter = (name: string, configEntries: { name: string; value: string }[]) =>
        outcome(
          admin.alterConfigs({
            validateOnly: false,
            resources: [{ type: kafkajs.ConfigResourceTypes.TOPIC, name, configEntries }],
          }),
        );
      const answers = [
        await alter(topic, [{ name: 'max.message.bytes', value: '5000' }]),
        await alter(topic, [{ name: 'max.message.bytes', value: 'many' }]),
        await alter(scope.name('unknown'), [{ name: 'max.message.bytes', value: '5000' }]),
      ];
      const errors = answers.map((answer) => JSON.stringify(answer).includes('errors'));
      return {
        errors,
        described: await withDefaultRetention(scope, topic, ['max.message.bytes', 'retention.ms']),
      };
    },
  },
  {
    name: 'incremental changes leave the others',
    async run(scope) {
      const topic = await scope.topic('t', 1, { 'retention.ms': '3600000', 'cleanup.policy': 'delete' });
      const client = scope.raw();
      const change = async (name: string, operation: number, value: string | null) => {
        const answer = await client.call<{ results: { error_code: number }[] }>(
          'IncrementalAlterConfigs',
          44,
          0,
          {
            resources: [{ type: 2, name: topic, configs: [{ name, operation, value }] }],
            validate_only: false,
          },
        );
        return answer.results[0]!.error_code;
      };
      const codes = [
        await change('max.message.bytes', 0, '7000'),
        await change('cleanup.policy', 2, 'compact'),
        await change('cleanup.policy', 3, 'delete'),
        await change('retention.ms', 1, null),
        await change('retention.ms', 2, '1'),
        await change('no.such.config', 0, '1'),
      ];
      return {
        codes,
        described: await withDefaultRetention(scope, topic, [
          'max.message.bytes',
          'retention.ms',
          'cleanup.policy',
        ]),
      };
    },
  },
  {
    name: 'the configurations of an unknown topic',
    run: async (scope) => outcome(describe(scope, scope.name('unknown'))),
  },
];
