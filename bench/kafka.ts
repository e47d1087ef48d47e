/** Apache Kafka for the bench: one node with the heap and the settings of a server, its data in a temporary folder. */
import { type Admin, Kafka, logLevel } from 'kafkajs';
import { kafkaJars } from '../test/harness/kafka_jars.ts';
import { freePort, KafkaNode } from '../test/harness/kafka_node.ts';
import { oneNode } from '../test/harness/real_kafka.ts';
import { until } from '../test/harness/until.ts';
import { makeFolder, removeFolder } from './temporary.ts';

const HEAP_MB = 1024;
const JVM = ['-Xms1g', '-XX:+UseG1GC', '-XX:MaxGCPauseMillis=20'];
/** Where the tests hurry, the bench has what Kafka has by default. */
const PROPERTIES = {
  'auto.create.topics.enable': 'false',
  'transaction.abort.timed.out.transaction.cleanup.interval.ms': 10_000,
  'log.cleaner.backoff.ms': 15_000,
  'file.delete.delay.ms': 1_000,
};
/** Event times are not the times of the run: nothing may be removed by age. */
const KEPT = { 'retention.ms': '-1' };

export class BenchKafka {
  readonly brokers: string;
  readonly folder: string;
  readonly admin: Admin;
  readonly #node: KafkaNode;

  static async start(properties: Record<string, string | number> = {}): Promise<BenchKafka> {
    const jars = kafkaJars();
    if ('missing' in jars) throw new Error(`the bench needs Apache Kafka: ${jars.missing}`);
    const folder = makeFolder('kafka');
    const [port, controller_port] = [await freePort(), await freePort()];
    const node = new KafkaNode({
      folder,
      jars: jars.folder,
      heap_mb: HEAP_MB,
      jvm_options: JVM,
      properties: { ...oneNode(port, controller_port), ...PROPERTIES, ...properties },
    });
    node.start();
    const kafka = new BenchKafka(node, folder, `127.0.0.1:${port}`);
    await node.answers(kafka.brokers);
    await kafka.admin.connect();
    return kafka;
  }

  private constructor(node: KafkaNode, folder: string, brokers: string) {
    this.#node = node;
    this.folder = folder;
    this.brokers = brokers;
    const retry = { retries: 2 };
    this.admin = new Kafka({ brokers: [brokers], logLevel: logLevel.NOTHING, retry }).admin();
  }

  get pid(): number {
    return this.#node.pid;
  }

  async createTopic(topic: string, partitions: number, config: Record<string, string> = KEPT): Promise<void> {
    const configEntries = Object.entries(config).map(([name, value]) => ({ name, value }));
    // kafkajs's own wait gives up where the broker does not know the topic yet.
    await this.admin.createTopics({
      waitForLeaders: false,
      topics: [{ topic, numPartitions: partitions, replicationFactor: 1, configEntries }],
    });
    await until(() => this.#leads(topic, partitions), `topic ${topic} is there`);
  }

  /** What a run has made for itself: all topics with its name in theirs. */
  async deleteTopicsOf(run: string): Promise<void> {
    const topics = (await this.admin.listTopics()).filter((topic) => topic.includes(run));
    if (topics.length > 0) await this.admin.deleteTopics({ topics });
  }

  async stop(): Promise<void> {
    await this.admin.disconnect();
    await this.#node.kill();
    removeFolder(this.folder);
  }

  async #leads(topic: string, partitions: number): Promise<boolean> {
    try {
      const { topics } = await this.admin.fetchTopicMetadata({ topics: [topic] });
      return topics[0]?.partitions.filter(({ leader }) => leader >= 0).length === partitions;
    } catch {
      return false;
    }
  }
}
