/** Kafka's topics, as they are and as they are needed. */
import kafkajs from 'kafkajs';
import type { Admin } from '../../engine/kafka.ts';
import { createTopic } from '../../engine/topics.ts';
import { ErrataError } from '../../messages/errata_error.ts';
import {
  type Difference,
  difference,
  type KafkaTopic,
  type Provisioner,
  type Resource,
  type Standing,
  standing,
} from './resource.ts';

export class KafkaTopics implements Provisioner {
  readonly types = ['kafka_topic'] as const;
  readonly #admin: Promise<Admin>;
  /** Of the topics that were examined: what they have, or are to be made with. */
  readonly #partitions = new Map<string, number>();

  /** Connected, or why not; it is disconnected by `close`. */
  constructor(admin: Promise<Admin>) {
    this.#admin = admin;
    // Whoever asks for a topic hears of it.
    admin.catch(() => undefined);
  }

  async examine(resource: Resource): Promise<Standing> {
    const topic = resource as KafkaTopic;
    const found = await this.#find(topic.name);
    this.#partitions.set(topic.name, found?.partitions ?? this.#count(topic));
    if (!found) return { is: 'missing' };
    return standing([
      ...this.#inPartitions(topic, found.partitions),
      ...(topic.replication === null ? [] : difference('replication', topic.replication, found.replication)),
      ...(await this.#inConfig(topic)),
    ]);
  }

  async make(resource: Resource): Promise<void> {
    const { name, config, replication } = resource as KafkaTopic;
    const partitions = this.#partitions.get(name)!;
    await createTopic(await this.#admin, { name, config }, partitions, replication ?? undefined);
  }

  async close(): Promise<void> {
    const admin = await this.#admin.catch(() => undefined);
    await admin?.disconnect();
  }

  async #find(name: string): Promise<{ partitions: number; replication: number } | null> {
    const admin = await this.#admin;
    if (!(await admin.listTopics()).includes(name)) return null;
    const { topics } = await admin.fetchTopicMetadata({ topics: [name] });
    const { partitions } = topics[0]!;
    return {
      partitions: partitions.length,
      replication: Math.min(...partitions.map(({ replicas }) => replicas.length)),
    };
  }

  #count({ name, partitions }: KafkaTopic): number {
    if ('count' in partitions) return partitions.count;
    const count = this.#partitions.get(partitions.like);
    if (count !== undefined) return count;
    throw new ErrataError('E_PLAN', `${name} follows ${partitions.like}, which comes after it`);
  }

  #inPartitions(topic: KafkaTopic, found: number): Difference[] {
    if ('count' in topic.partitions && topic.partitions.any) return [];
    return difference('partitions', this.#count(topic), found);
  }

  async #inConfig({ name, config }: KafkaTopic): Promise<Difference[]> {
    const configNames = Object.keys(config);
    if (configNames.length === 0) return [];
    const admin = await this.#admin;
    const { resources } = await admin.describeConfigs({
      includeSynonyms: false,
      resources: [{ type: kafkajs.ConfigResourceTypes.TOPIC, name, configNames }],
    });
    const found = new Map(resources[0]!.configEntries.map((entry) => [entry.configName, entry.configValue]));
    return configNames.flatMap((key) => difference(key, config[key], found.get(key) ?? 'not told'));
  }
}
