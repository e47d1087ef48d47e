/**
 * Resources as Terraform's language writes them (HCL), for teams that keep them in code of their own. The same resources give the
 * same text. Kafka's are those of the provider Mongey/kafka, Google's those of hashicorp/google.
 */
import {
  type BigqueryDataset,
  type BigqueryTable,
  type KafkaTopic,
  obstacleTo,
  type PubsubSubscription,
  type PubsubTopic,
  type Resource,
  type ResourceType,
} from '../connectors/provision/resource.ts';
import { attribute, block, comment, type Hcl, jsonEncode, reference } from './hcl.ts';

const TERRAFORM_TYPE: Record<ResourceType, string> = {
  kafka_topic: 'kafka_topic',
  pubsub_topic: 'google_pubsub_topic',
  pubsub_subscription: 'google_pubsub_subscription',
  bigquery_dataset: 'google_bigquery_dataset',
  bigquery_table: 'google_bigquery_table',
};

const PROVIDERS = { kafka: 'Mongey/kafka', google: 'hashicorp/google' };

/** `topology`: its name, for the comment above. */
export function terraformOf(topology: string, resources: readonly Resource[]): string {
  const labels = new Labels(resources);
  const parts = [
    `# What the topology ${topology} needs, by \`errata provision export --terraform\`. Configure the providers beside it.`,
    providersOf(resources),
    ...(resources.some((one) => one.type === 'kafka_topic' && one.replication === null) ? [REPLICATION] : []),
    ...resources.map((one) => leftOut(one) ?? made(one, labels)),
  ];
  return `${parts.join('\n\n')}\n`;
}

function made(resource: Resource, labels: Labels): string {
  const head = `resource "${TERRAFORM_TYPE[resource.type]}" "${labels.of(resource)}"`;
  return block(head, bodyOf(resource, labels));
}

/** What Terraform cannot make from this either is said where it would stand. */
function leftOut(resource: Resource): string | null {
  const obstacle = obstacleTo(resource);
  if (obstacle === null) return null;
  const what = `${TERRAFORM_TYPE[resource.type]} ${fullName(resource)}`;
  return comment(`Not here: ${what}, for ${obstacle.why}. To have it: ${obstacle.hint}.`);
}

function providersOf(resources: readonly Resource[]): string {
  const has_kafka = resources.some(({ type }) => type === 'kafka_topic');
  const has_google = resources.some(({ type }) => type !== 'kafka_topic');
  const needed = Object.entries(PROVIDERS).filter(([name]) => (name === 'kafka' ? has_kafka : has_google));
  const sources = needed.map(([name, source]) => attribute(name, { source }));
  return block('terraform', [block('required_providers', sources)]);
}

const REPLICATION = block('variable "kafka_replication_factor"', [
  attribute('type', reference('number')),
  attribute('description', 'How many brokers keep each topic for which the topology names no number.'),
  attribute('default', 3),
]);

type Attributes = (string | null)[];

function bodyOf(resource: Resource, labels: Labels): Attributes {
  switch (resource.type) {
    case 'kafka_topic':
      return topicBody(resource, labels);
    case 'pubsub_topic':
      return pubsubTopicBody(resource);
    case 'pubsub_subscription':
      return subscriptionBody(resource, labels);
    case 'bigquery_dataset':
      return datasetBody(resource);
    case 'bigquery_table':
      return tableBody(resource, labels);
  }
}

function topicBody({ name, partitions, replication, config }: KafkaTopic, labels: Labels): Attributes {
  const count =
    'count' in partitions
      ? partitions.count
      : reference(`kafka_topic.${labels.of({ type: 'kafka_topic', name: partitions.like })}.partitions`);
  return [
    attribute('name', name),
    attribute('partitions', count),
    attribute('replication_factor', replication ?? reference('var.kafka_replication_factor')),
    Object.keys(config).length === 0 ? null : attribute('config', config),
  ];
}

function pubsubTopicBody({ project, name }: PubsubTopic): Attributes {
  return [inProject(project), attribute('name', name)];
}

function subscriptionBody(subscription: PubsubSubscription, labels: Labels): Attributes {
  const { project, name, topic, ordering, exactly_once, ack_deadline_s, dead_letter } = subscription;
  return [
    inProject(project),
    attribute('name', name),
    attribute('topic', topicId(project, topic!, labels)),
    ordering === null ? null : attribute('enable_message_ordering', ordering),
    exactly_once === null ? null : attribute('enable_exactly_once_delivery', exactly_once),
    ack_deadline_s === null ? null : attribute('ack_deadline_seconds', ack_deadline_s),
    // Without this Google deletes it after 31 days of silence.
    block('expiration_policy', [attribute('ttl', '')]),
    dead_letter === null
      ? null
      : block('dead_letter_policy', [
          attribute('dead_letter_topic', topicId(project, dead_letter.topic, labels)),
          attribute('max_delivery_attempts', dead_letter.max_attempts),
        ]),
  ];
}

function topicId(project: string | null, topic: string, labels: Labels): Hcl {
  const label = labels.of({ type: 'pubsub_topic', project, name: topic });
  return label === undefined
    ? `projects/${project}/topics/${topic}`
    : reference(`google_pubsub_topic.${label}.id`);
}

function datasetBody({ project, name, location }: BigqueryDataset): Attributes {
  return [
    inProject(project),
    attribute('dataset_id', name),
    location === null ? null : attribute('location', location),
  ];
}

function tableBody({ project, dataset, name, columns }: BigqueryTable, labels: Labels): Attributes {
  const label = labels.of({ type: 'bigquery_dataset', project, name: dataset });
  return [
    inProject(project),
    attribute(
      'dataset_id',
      label === undefined ? dataset : reference(`google_bigquery_dataset.${label}.dataset_id`),
    ),
    attribute('table_id', name),
    attribute('schema', jsonEncode(columns.map(({ name, type, mode }) => ({ name, type: type!, mode })))),
  ];
}

function inProject(project: string | null): string | null {
  return project === null ? null : attribute('project', project);
}

/** What Terraform calls a resource: its name, as far as that can be a label, and a number where two would be the same. */
class Labels {
  readonly #labels = new Map<string, string>();
  readonly #taken = new Set<string>();

  constructor(resources: readonly Resource[]) {
    for (const resource of resources) this.#labels.set(keyOf(resource), this.#free(resource));
  }

  /** Undefined where it is somebody else's. */
  of(resource: Named): string | undefined {
    return this.#labels.get(keyOf(resource));
  }

  #free(resource: Resource): string {
    const plain = fullName(resource)
      .replaceAll(/[^A-Za-z0-9_-]/g, '_')
      .replace(/^(?![A-Za-z_])/, '_');
    let label = plain;
    for (let count = 2; this.#taken.has(`${resource.type}.${label}`); count += 1) label = `${plain}_${count}`;
    this.#taken.add(`${resource.type}.${label}`);
    return label;
  }
}

/** What tells resources apart. */
interface Named {
  type: ResourceType;
  project?: string | null;
  dataset?: string;
  name: string;
}

function keyOf({ type, project, dataset, name }: Named): string {
  return JSON.stringify([type, project, dataset, name]);
}

function fullName({ dataset, name }: Named): string {
  return dataset === undefined ? name : `${dataset}.${name}`;
}
