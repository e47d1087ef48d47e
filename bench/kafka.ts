/** Apache Kafka for the bench: one node with the heap and the settings of a server, its data in a temporary folder. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Admin, Kafka, logLevel } from 'kafkajs';
import { kafkaJars } from '../test/harness/kafka_jars.ts';
import { until } from '../test/harness/until.ts';

const JVM = ['-Xms1g', '-Xmx1g', '-XX:+UseG1GC', '-XX:MaxGCPauseMillis=20'];
const CLUSTER_ID = 'errata-bench-000000000';
/** Event times are not the times of the run: nothing may be removed by age unless a run asks for it. */
const KEPT = [{ name: 'retention.ms', value: '-1' }];

export class BenchKafka {
  readonly brokers: string;
  readonly folder: string;
  readonly admin: Admin;
  readonly #child: ChildProcess;

  static async start(): Promise<BenchKafka> {
    const jars = kafkaJars();
    if ('missing' in jars) throw new Error(`the bench needs Apache Kafka: ${jars.missing}`);
    const folder = mkdtempSync(join(tmpdir(), 'errata-bench-kafka-'));
    const [port, controller_port] = [await freePort(), await freePort()];
    const config = join(folder, 'server.properties');
    writeFileSync(config, properties(folder, port, controller_port));
    const java = ['-cp', join(jars.folder, '*')];
    const format = ['kafka.tools.StorageTool', 'format', '-t', CLUSTER_ID, '-c', config];
    const { status, stderr } = spawnSync('java', [...java, ...format], { encoding: 'utf8' });
    if (status !== 0) throw new Error(`Kafka's storage could not be formatted: ${stderr}`);
    const child = spawn('java', [...JVM, ...java, 'kafka.Kafka', config], { stdio: 'ignore' });
    process.once('exit', () => child.kill('SIGKILL'));
    const kafka = new BenchKafka(child, folder, `127.0.0.1:${port}`);
    await until(() => kafka.#answers(), 'Kafka answers', 90_000);
    return kafka;
  }

  private constructor(child: ChildProcess, folder: string, brokers: string) {
    this.#child = child;
    this.folder = folder;
    this.brokers = brokers;
    const retry = { retries: 2 };
    this.admin = new Kafka({ brokers: [brokers], logLevel: logLevel.NOTHING, retry }).admin();
  }

  get pid(): number {
    return this.#child.pid!;
  }

  async createTopic(topic: string, partitions: number, config = KEPT): Promise<void> {
    // kafkajs's own wait gives up where the broker does not know the topic yet.
    await this.admin.createTopics({
      waitForLeaders: false,
      topics: [{ topic, numPartitions: partitions, replicationFactor: 1, configEntries: config }],
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
    const ended = new Promise((resolve) => this.#child.once('exit', resolve));
    this.#child.kill('SIGKILL');
    await ended;
    rmSync(this.folder, { recursive: true, force: true });
  }

  async #leads(topic: string, partitions: number): Promise<boolean> {
    try {
      const { topics } = await this.admin.fetchTopicMetadata({ topics: [topic] });
      return topics[0]?.partitions.filter(({ leader }) => leader >= 0).length === partitions;
    } catch {
      return false;
    }
  }

  async #answers(): Promise<boolean> {
    if (this.#child.exitCode !== null) throw new Error('Kafka ended at start');
    try {
      await this.admin.connect();
      return (await this.admin.describeCluster()).brokers.length === 1;
    } catch {
      return false;
    }
  }
}

function properties(folder: string, port: number, controller_port: number): string {
  return `
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:${controller_port}
listeners=PLAINTEXT://127.0.0.1:${port},CONTROLLER://127.0.0.1:${controller_port}
controller.listener.names=CONTROLLER
log.dirs=${join(folder, 'data')}
num.network.threads=3
num.io.threads=4
auto.create.topics.enable=false
offsets.topic.num.partitions=4
offsets.topic.replication.factor=1
transaction.state.log.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
file.delete.delay.ms=1000
`;
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() =>
        typeof address === 'object' && address ? resolve(address.port) : reject(new Error('no port')),
      );
    });
  });
}
