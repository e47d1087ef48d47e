/**
 * Apache Kafka on three brokers and a controller of its own (KRaft): each topic on all three, two of them enough to
 * write. Any broker can be killed and started again.
 */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Kafka, logLevel } from 'kafkajs';
import { kafkaJars } from './kafka_jars.ts';
import { freePort, KafkaNode } from './kafka_node.ts';

export const BROKER_IDS = [1, 2, 3] as const;
const CONTROLLER_ID = 100;
const HEAP_MB = { controller: 192, broker: 320 };

export class KafkaCluster {
  /** `host:port` of all three. */
  readonly brokers: string[];
  readonly #folder: string;
  readonly #nodes: Map<number, KafkaNode>;

  /** With these properties besides. Resolves when all three answer; `missing` says why there is none. */
  static async start(
    of_brokers: Record<string, string | number> = {},
  ): Promise<KafkaCluster | { missing: string }> {
    const jars = kafkaJars();
    if ('missing' in jars) return jars;
    const folder = mkdtempSync(join(tmpdir(), 'errata-cluster-'));
    const [controller_port, ...ports] = await Promise.all(Array.from({ length: 4 }, freePort));
    const nodes = new Map<number, KafkaNode>();
    const add = (id: number, heap_mb: number, properties: Record<string, string | number>) => {
      const own = join(folder, String(id));
      mkdirSync(own);
      const common = { ...REPLICATED, ...quorum(controller_port!), 'node.id': id };
      nodes.set(
        id,
        new KafkaNode({ folder: own, jars: jars.folder, heap_mb, properties: { ...common, ...properties } }),
      );
    };
    add(CONTROLLER_ID, HEAP_MB.controller, {
      'process.roles': 'controller',
      listeners: `CONTROLLER://127.0.0.1:${controller_port}`,
    });
    for (const [index, id] of BROKER_IDS.entries())
      add(id, HEAP_MB.broker, {
        ...of_brokers,
        'process.roles': 'broker',
        listeners: `PLAINTEXT://127.0.0.1:${ports[index]}`,
      });
    const cluster = new KafkaCluster(folder, ports, nodes);
    try {
      for (const node of nodes.values()) node.start();
      await cluster.isWhole();
    } catch (thrown) {
      await cluster.stop();
      throw thrown;
    }
    return cluster;
  }

  private constructor(folder: string, ports: number[], nodes: Map<number, KafkaNode>) {
    this.#folder = folder;
    this.#nodes = nodes;
    this.brokers = ports.map((port) => `127.0.0.1:${port}`);
  }

  /** Resolves when all brokers are known. */
  async isWhole(): Promise<void> {
    for (const [index, id] of BROKER_IDS.entries())
      await this.#node(id).answers(this.brokers[index]!, BROKER_IDS.length);
  }

  /** Without warning. Resolves when it is gone. */
  kill(id: number): Promise<void> {
    return this.#node(id).kill();
  }

  /** Again, on its data. `isWhole` tells when it is back. */
  restart(id: number): void {
    this.#node(id).start();
  }

  /** Of a partition, as the cluster says now. */
  async leaderOf(topic: string, partition = 0): Promise<number> {
    const admin = new Kafka({ brokers: this.brokers, logLevel: logLevel.NOTHING }).admin();
    await admin.connect();
    try {
      const { topics } = await admin.fetchTopicMetadata({ topics: [topic] });
      return topics[0]!.partitions.find(({ partitionId }) => partitionId === partition)!.leader;
    } finally {
      await admin.disconnect();
    }
  }

  /** The last of what each printed. */
  get log(): string {
    return [...this.#nodes].map(([id, { log }]) => `--- ${id}\n${log}`).join('\n');
  }

  async stop(): Promise<void> {
    await Promise.all([...this.#nodes.values()].map((node) => node.kill()));
    rmSync(this.#folder, { recursive: true, force: true });
  }

  #node(id: number): KafkaNode {
    const node = this.#nodes.get(id);
    if (!node) throw new Error(`there is no broker ${id}`);
    return node;
  }
}

function quorum(port: number): Record<string, string> {
  return {
    'controller.quorum.voters': `${CONTROLLER_ID}@127.0.0.1:${port}`,
    'controller.listener.names': 'CONTROLLER',
    'listener.security.protocol.map': 'CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT',
  };
}

const REPLICATED = {
  'num.partitions': 1,
  'default.replication.factor': 3,
  'min.insync.replicas': 2,
  'offsets.topic.num.partitions': 3,
  'offsets.topic.replication.factor': 3,
  'transaction.state.log.num.partitions': 3,
  'transaction.state.log.replication.factor': 3,
  'transaction.state.log.min.isr': 2,
  'share.coordinator.state.topic.replication.factor': 3,
  'transaction.abort.timed.out.transaction.cleanup.interval.ms': 300,
  'group.initial.rebalance.delay.ms': 0,
  // How soon a killed broker is noticed.
  'broker.session.timeout.ms': 3_000,
  'broker.heartbeat.interval.ms': 500,
  'num.network.threads': 2,
  'num.io.threads': 2,
};
