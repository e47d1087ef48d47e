import {
  array,
  boolean,
  int16,
  int32,
  nullableArray,
  nullableString,
  since,
  string,
  struct,
} from '../../wire/schema.ts';
import { type BrokerState, defineApi, NO_OPERATIONS, NODE_ID } from '../api.ts';
import { KAFKA_ERROR } from '../error_codes.ts';
import { type Topic, topicNameProblem } from '../log/topics.ts';

/** The topics asked for, created where that is wanted, and this node as leader of everything. */
export const metadata = defineApi({
  key: 3,
  name: 'Metadata',
  min_version: 0,
  max_version: 8,
  request: struct({
    /** null (in version 0: empty) asks for all. */
    topics: nullableArray(struct({ name: string })),
    allow_auto_topic_creation: since(4, boolean, true),
    include_cluster_authorized_operations: since(8, boolean),
    include_topic_authorized_operations: since(8, boolean),
  }),
  response: struct({
    throttle_ms: since(3, int32),
    brokers: array(struct({ node_id: int32, host: string, port: int32, rack: since(1, nullableString) })),
    cluster_id: since(2, nullableString),
    controller_id: since(1, int32),
    topics: array(
      struct({
        error_code: int16,
        name: string,
        is_internal: since(1, boolean),
        partitions: array(
          struct({
            error_code: int16,
            partition: int32,
            leader_id: int32,
            leader_epoch: since(7, int32),
            replica_nodes: array(int32),
            isr_nodes: array(int32),
            offline_replicas: since(5, array(int32)),
          }),
        ),
        topic_authorized_operations: since(8, int32),
      }),
    ),
    cluster_authorized_operations: since(8, int32),
  }),
  async handle(request, { broker, version }) {
    const wants_all = request.topics === null || (version === 0 && request.topics.length === 0);
    const topics = wants_all
      ? broker.topics.all().map(described)
      : await namedTopics(broker, request.topics ?? [], request.allow_auto_topic_creation);
    const { advertised_host: host } = broker.config;
    return {
      throttle_ms: 0,
      brokers: [{ node_id: NODE_ID, host, port: broker.port, rack: null }],
      cluster_id: broker.cluster_id,
      controller_id: NODE_ID,
      topics,
      cluster_authorized_operations: NO_OPERATIONS,
    };
  },
});

async function namedTopics(broker: BrokerState, names: { name: string }[], may_create: boolean) {
  const { auto_create_topics, default_partitions } = broker.config;
  const described_topics = [];
  for (const { name } of names) {
    let topic = broker.topics.get(name);
    if (topic === undefined && (topicNameProblem(name) || broker.topics.colliding(name))) {
      described_topics.push(missing(name, KAFKA_ERROR.INVALID_TOPIC_EXCEPTION));
      continue;
    }
    if (topic === undefined && may_create && auto_create_topics) {
      topic = await broker.topics.create(name, default_partitions, {});
    }
    described_topics.push(topic ? described(topic) : missing(name, KAFKA_ERROR.UNKNOWN_TOPIC_OR_PARTITION));
  }
  return described_topics;
}

function missing(name: string, error_code: number) {
  return { error_code, name, is_internal: false, partitions: [], topic_authorized_operations: NO_OPERATIONS };
}

function described(topic: Topic) {
  return {
    ...missing(topic.name, KAFKA_ERROR.NONE),
    partitions: topic.partitions.map(({ partition }) => ({
      error_code: KAFKA_ERROR.NONE,
      partition,
      leader_id: NODE_ID,
      leader_epoch: 0,
      replica_nodes: [NODE_ID],
      isr_nodes: [NODE_ID],
      offline_replicas: [],
    })),
  };
}
