/** The topic configurations that are accepted. Those marked `kept` are stored and described but change nothing here. */
type Kind = 'int' | 'long' | 'double' | 'boolean' | 'string' | 'list';

interface TopicConfigEntry {
  kind: Kind;
  value: string;
  allowed?: readonly string[];
  min?: number;
  kept?: true;
}

/** Defaults as in Apache Kafka 4.1. */
export const TOPIC_CONFIGS: Record<string, TopicConfigEntry> = {
  'cleanup.policy': { kind: 'list', value: 'delete', allowed: ['delete', 'compact'] },
  'retention.ms': { kind: 'long', value: '604800000', min: -1 },
  'retention.bytes': { kind: 'long', value: '-1', min: -1 },
  'max.message.bytes': { kind: 'int', value: '1048588', min: 0 },
  'message.timestamp.type': { kind: 'string', value: 'CreateTime', allowed: ['CreateTime', 'LogAppendTime'] },
  'message.timestamp.after.max.ms': { kind: 'long', value: '3600000', min: 0 },
  'message.timestamp.before.max.ms': { kind: 'long', value: '9223372036854775807', min: 0 },
  'compression.type': {
    kind: 'string',
    value: 'producer',
    allowed: ['producer', 'uncompressed', 'gzip', 'snappy', 'lz4', 'zstd'],
    kept: true,
  },
  'min.insync.replicas': { kind: 'int', value: '1', min: 1, kept: true },
  'segment.bytes': { kind: 'int', value: '1073741824', min: 14, kept: true },
  'segment.ms': { kind: 'long', value: '604800000', min: 1, kept: true },
  'delete.retention.ms': { kind: 'long', value: '86400000', min: 0 },
  'min.compaction.lag.ms': { kind: 'long', value: '0', min: 0 },
  'max.compaction.lag.ms': { kind: 'long', value: '9223372036854775807', min: 1 },
  'min.cleanable.dirty.ratio': { kind: 'double', value: '0.5', min: 0 },
  'file.delete.delay.ms': { kind: 'long', value: '60000', min: 0, kept: true },
  'flush.messages': { kind: 'long', value: '9223372036854775807', min: 1, kept: true },
  'flush.ms': { kind: 'long', value: '9223372036854775807', min: 0, kept: true },
  'unclean.leader.election.enable': { kind: 'boolean', value: 'false', kept: true },
};

export type TopicConfigs = Record<string, string>;

/** What is wrong with a configuration, or undefined. */
export function configProblem(name: string, value: string | null): string | undefined {
  const entry = TOPIC_CONFIGS[name];
  if (entry === undefined) return `Unknown topic config name: ${name}`;
  if (value === null) return `Null value not supported for topic configs: ${name}`;
  const wrong = `Invalid value ${value} for configuration ${name}`;
  if (entry.kind === 'boolean') return /^(true|false)$/i.test(value) ? undefined : wrong;
  if (entry.kind === 'string') return entry.allowed?.includes(value) === false ? wrong : undefined;
  if (entry.kind === 'list') {
    return value.split(',').every((one) => entry.allowed?.includes(one.trim())) ? undefined : wrong;
  }
  const number = Number(value);
  const well_formed = entry.kind === 'double' ? Number.isFinite(number) : /^-?\d+$/.test(value);
  return well_formed && value !== '' && number >= (entry.min ?? -Infinity) ? undefined : wrong;
}

export function configValue(configs: TopicConfigs, name: string): string {
  return configs[name] ?? TOPIC_CONFIGS[name]!.value;
}

export function configNumber(configs: TopicConfigs, name: string): number {
  return Number(configValue(configs, name));
}

export function isCompacted(configs: TopicConfigs): boolean {
  return configValue(configs, 'cleanup.policy').includes('compact');
}

export function isDeletedByAge(configs: TopicConfigs): boolean {
  return configValue(configs, 'cleanup.policy').includes('delete');
}
