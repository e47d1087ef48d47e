/** What a topology needs of the systems around it, in the order in which it is to be made. */
import { SINK_KINDS, SOURCE_KINDS } from '../connectors/catalogue.ts';
import { type KafkaTopic, merged, type Resource } from '../connectors/provision/resource.ts';
import type { Plan, TopicPlan } from '../engine/plan.ts';
import type { Graph } from './lint.ts';

/** Throws E_PROVISION where two connectors need of one resource what it cannot be at once. */
export function needsOf(topology: Graph, plan: Plan): Resource[] {
  const undecided = topicsOfAnySize(topology);
  const topics = plan.topics.map((topic) => kafkaTopic(topic, plan, undecided));
  return [...topics, ...connectorNeeds(plan)];
}

function kafkaTopic(
  { name, partitions, config }: TopicPlan,
  { replication }: Plan,
  undecided: ReadonlySet<string>,
): KafkaTopic {
  const size = 'like' in partitions ? partitions : { count: partitions.count, any: undecided.has(name) };
  return { type: 'kafka_topic', name, partitions: size, replication: replication ?? null, config };
}

/** The user's own topics for which the file names no count. */
function topicsOfAnySize({ sources, sinks }: Graph): Set<string> {
  const own = [...sources.map(({ value }) => value.kafka), ...sinks.flatMap(({ kafka }) => kafka ?? [])];
  return new Set(own.filter(({ partitions }) => partitions === undefined).map(({ topic }) => topic));
}

/** Two connectors may need the same. */
function connectorNeeds({ sources = [], stages }: Plan): Resource[] {
  const sinks = stages.flatMap(({ sink }) => (sink ? [sink] : []));
  const needed = [
    ...sources.flatMap(({ kind, config }) => SOURCE_KINDS.get(kind)?.resources?.(config) ?? []),
    ...sinks.flatMap(({ kind, config, message }) => SINK_KINDS.get(kind)?.resources?.(config, message) ?? []),
  ];
  const once = new Map<string, Resource>();
  for (const resource of needed) {
    const key = JSON.stringify(identity(resource));
    const known = once.get(key);
    once.set(key, known ? merged(known, resource) : resource);
  }
  return [...once.values()];
}

function identity(resource: Resource): unknown[] {
  const { type, name } = resource;
  if (type === 'kafka_topic') return [type, name];
  return [type, resource.project, type === 'bigquery_table' ? resource.dataset : null, name];
}
