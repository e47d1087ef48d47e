/** Asks Kafka, before anything starts, for which of the rights that a plan needs this process lacks. */
import { ErrataError } from '../messages/errata_error.ts';
import {
  allows,
  DESCRIBE_GROUPS,
  FIND_COORDINATOR,
  METADATA,
  type Operation,
} from '../wire/authorized_operations.ts';
import { encoded, exchange } from './broker_exchange.ts';
import { type Cluster, type ClusterBroker, createCluster, type KafkaClient } from './kafka.ts';
import { kafkaErrorTypes } from './kafka_errors.ts';
import type { Plan } from './plan.ts';
import { type Right, rightsOf } from './rights.ts';

const VERSION = { metadata: 8, find_coordinator: 1, describe_groups: 3 };
const COORDINATOR_OF = { group: 0, transactional_id: 1 };
const DENIED = { topic: 29, group: 30, transactional_id: 53 };

/** Throws E_KAFKA_DENIED with all that is missing. A topic that does not exist yet is left out. */
export async function checkRights(kafka: KafkaClient, plan: Plan): Promise<void> {
  const cluster = createCluster(kafka);
  try {
    await cluster.connect();
    await cluster.refreshMetadata();
    const [node] = cluster.getNodeIds();
    const broker = await cluster.findBroker({ nodeId: Number(node) });
    const missing = isSupported(broker) ? await missingRights(cluster, broker, rightsOf(plan)) : [];
    if (missing.length > 0) throw denied(missing);
  } finally {
    await cluster.disconnect();
  }
}

async function missingRights(cluster: Cluster, broker: ClusterBroker, rights: Right[]): Promise<Right[]> {
  const of = (resource: Right['resource']) => rights.filter((right) => right.resource === resource);
  return [
    ...(await missingOnTopics(cluster, broker, of('topic'))),
    ...(await missingOnGroups(cluster, broker, of('group'))),
    ...(await missingOnTransactions(cluster, broker, of('transactional_id'))),
  ];
}

/** Kafka's refusal often does not name what it was about: then all that is missing is. Null where it was no refusal. */
export async function denialBehind(
  error: unknown,
  kafka: KafkaClient,
  plan: Plan,
): Promise<ErrataError | null> {
  if (!kafkaErrorTypes(error).some((type) => type.endsWith('_AUTHORIZATION_FAILED'))) return null;
  const found = await checkRights(kafka, plan).then(
    () => null,
    (thrown) => thrown,
  );
  return found instanceof ErrataError && found.code === 'E_KAFKA_DENIED' ? found : null;
}

export function denied(missing: readonly Right[], cause?: unknown): ErrataError {
  const named = missing.map(
    ({ operations, resource, pattern, name }) =>
      `${operations.join(' and ')} on ${resource.replace('_', ' ')} ${name}${pattern === 'prefixed' ? '*' : ''}`,
  );
  return new ErrataError('E_KAFKA_DENIED', `Kafka does not allow this process: ${named.join('; ')}`, {
    hint: '`errata plan FILE --acls` prints the commands that grant what the topology needs',
    ...(cause === undefined ? {} : { cause }),
  });
}

/** Older brokers refuse what they do not allow when it is tried. */
function isSupported({ versions }: ClusterBroker): boolean {
  return (
    (versions?.[METADATA.key]?.maxVersion ?? 0) >= VERSION.metadata &&
    (versions?.[DESCRIBE_GROUPS.key]?.maxVersion ?? 0) >= VERSION.describe_groups
  );
}

async function missingOnTopics(cluster: Cluster, broker: ClusterBroker, rights: Right[]): Promise<Right[]> {
  const request = encoded(METADATA, VERSION.metadata, {
    topics: rights.map(({ name }) => name),
    allow_auto_topic_creation: false,
    include_cluster_authorized_operations: false,
    include_topic_authorized_operations: true,
  });
  const { topics } = await exchange(cluster, broker, request);
  const found = new Map(topics.map((topic) => [topic.name, topic]));
  return rights.flatMap((right) => {
    const topic = found.get(right.name);
    if (topic?.error_code === DENIED.topic) return [right];
    return topic?.error_code === 0 ? lacking(right, topic.authorized_operations) : [];
  });
}

async function missingOnGroups(cluster: Cluster, broker: ClusterBroker, rights: Right[]): Promise<Right[]> {
  const missing: Right[] = [];
  for (const right of rights) {
    const found = await coordinatorOf(cluster, broker, 'group', right.name);
    if (found.error_code === DENIED.group) missing.push(right);
    if (found.error_code !== 0) continue;
    const coordinator = await cluster.findBroker({ nodeId: found.node_id });
    const request = { groups: [right.name], include_authorized_operations: true };
    const { groups } = await exchange(
      cluster,
      coordinator,
      encoded(DESCRIBE_GROUPS, VERSION.describe_groups, request),
    );
    // A group that does not exist yet is described as empty.
    for (const group of groups) missing.push(...lacking(right, group.authorized_operations));
  }
  return missing;
}

/** Kafka tells which ids may be described, which Write implies; more only once one is initialised. */
async function missingOnTransactions(
  cluster: Cluster,
  broker: ClusterBroker,
  rights: Right[],
): Promise<Right[]> {
  const missing: Right[] = [];
  for (const right of rights) {
    const found = await coordinatorOf(cluster, broker, 'transactional_id', `${right.name}0`);
    if (found.error_code === DENIED.transactional_id) missing.push(right);
  }
  return missing;
}

function coordinatorOf(
  cluster: Cluster,
  broker: ClusterBroker,
  of: keyof typeof COORDINATOR_OF,
  key: string,
) {
  const request = { key, key_type: COORDINATOR_OF[of] };
  return exchange(cluster, broker, encoded(FIND_COORDINATOR, VERSION.find_coordinator, request));
}

function lacking(right: Right, authorized_operations: number): Right[] {
  const operations = right.operations.filter(
    (operation: Operation) => !allows(authorized_operations, operation),
  );
  return operations.length === 0 ? [] : [{ ...right, operations }];
}
