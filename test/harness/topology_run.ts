/** The standard topology, run in this process on some Kafka for a test, with a plain Kafka client on its other side. */
import { randomUUID } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { type IHeaders, Kafka, logLevel, type Message, type Producer, type RecordMetadata } from 'kafkajs';
import pino from 'pino';
import { parseDocument } from 'yaml';
import { startBroker } from '../../broker/broker.ts';
import { CONNECTORS_URL } from '../../connectors/catalogue.ts';
import { KAFKA_DEFAULTS, type KafkaSettings } from '../../engine/kafka.ts';
import type { LedgerCounts } from '../../engine/ledger.ts';
import type { Plan } from '../../engine/plan.ts';
import { Processor } from '../../engine/processor.ts';
import type { Supervision } from '../../engine/supervisor.ts';
import { HEARTBEAT_HEADER } from '../../messages/heartbeat.ts';
import { loadTopology } from '../../topology/load.ts';
import { temporaryFolder } from './embedded.ts';
import { readTopic } from './read_topic.ts';
import { until } from './until.ts';

const FEEDBACK_YAML = new URL('../../config/topologies/feedback.yaml', import.meta.url);
/** kafkajs is quadratic in the messages of one call. */
const SEND_MAX_RECORDS = 1_000;

export type SourceName = 'predictions' | 'feedback';
export type SinkName = 'alerts' | 'patterns';

export interface RunOptions {
  brokers: string;
  /** Names of its own for topology and topics, so that runs on one Kafka do not meet. */
  own_names?: boolean;
  /** Path in the topology file → what stands there instead. */
  changes?: [path: string[], value: unknown][];
  session_timeout_ms?: number;
  /** How the topology gets in, where that is another way than the test's own. */
  kafka?: Partial<KafkaSettings>;
  supervision?: Supervision;
}

export class TopologyRun {
  readonly plan: Plan;
  readonly kafka: Kafka;
  readonly #brokers: string;
  readonly #settings: KafkaSettings;
  readonly #topics: Record<SourceName | SinkName, string>;
  readonly #producer: Producer;
  #processor: Processor | undefined;
  #supervision: Supervision | undefined;

  /** On an embedded broker of its own, which ends after the topology. */
  static async embedded(t: TestContext, options: Omit<RunOptions, 'brokers'> = {}): Promise<TopologyRun> {
    const broker = await startBroker({ port: 0, data_dir: temporaryFolder(t) });
    let run: TopologyRun | undefined;
    t.after(async () => {
      await run?.end();
      await broker.stop();
    });
    run = await TopologyRun.prepare(t, { ...options, brokers: broker.address });
    return run;
  }

  /** Lints and plans; `start` runs it. All is ended with the test. */
  static async prepare(
    t: TestContext,
    { brokers, own_names, changes = [], session_timeout_ms, kafka = {}, supervision }: RunOptions,
  ): Promise<TopologyRun> {
    const prefix = own_names ? `t${randomUUID().slice(0, 8)}-` : '';
    const document = parseDocument(readFileSync(FEEDBACK_YAML, 'utf8'));
    const named = (path: string[]) => {
      const name = `${prefix}${document.getIn(path)}`;
      document.setIn(path, name);
      return name;
    };
    named(['topology']);
    const topics = {
      predictions: named(['sources', 'predictions', 'kafka', 'topic']),
      feedback: named(['sources', 'feedback', 'kafka', 'topic']),
      alerts: named(['sinks', 'alerts', 'kafka', 'topic']),
      patterns: named(['sinks', 'patterns', 'kafka', 'topic']),
    };
    for (const [path, value] of changes) document.setIn(path, value);
    const file = join(temporaryFolder(t), 'feedback.yaml');
    writeFileSync(file, String(document));
    const { plan, problems } = loadTopology(file, {});
    if (!plan) throw new Error(`the topology has mistakes: ${JSON.stringify(problems)}`);
    const run = new TopologyRun(plan, { brokers, session_timeout_ms, kafka }, topics);
    run.#supervision = supervision;
    await run.#producer.connect();
    t.after(() => run.end());
    return run;
  }

  private constructor(
    plan: Plan,
    {
      brokers,
      session_timeout_ms,
      kafka,
    }: Required<Pick<RunOptions, 'brokers' | 'kafka'>> & {
      session_timeout_ms: number | undefined;
    },
    topics: Record<SourceName | SinkName, string>,
  ) {
    this.plan = plan;
    this.#brokers = brokers;
    this.#settings = {
      ...KAFKA_DEFAULTS,
      session_timeout_ms: session_timeout_ms ?? KAFKA_DEFAULTS.session_timeout_ms,
      brokers: brokers.split(','),
      client_id: 'errata-e2e',
      ...kafka,
    };
    this.#topics = topics;
    this.kafka = new Kafka({ brokers: brokers.split(','), logLevel: logLevel.ERROR });
    this.#producer = this.kafka.producer({ allowAutoTopicCreation: false });
  }

  /** Resolves when the group has settled: as long as processing is at least once, a task that moves may repeat. */
  async start(): Promise<void> {
    this.#processor = await Processor.start(this.plan, {
      kafka: this.#settings,
      connectors: CONNECTORS_URL,
      ...(this.#supervision ? { supervision: this.#supervision } : {}),
      log: pino({ level: process.env.LOG_LEVEL ?? 'error' }, pino.destination({ dest: 2, sync: true })),
    });
    await until(() => this.#isComplete(), 'all tasks run');
  }

  async stop(): Promise<void> {
    await this.#processor?.stop();
    this.#processor = undefined;
  }

  get brokers(): string {
    return this.#brokers;
  }

  get processor(): Processor {
    if (!this.#processor) throw new Error('the topology does not run');
    return this.#processor;
  }

  topic(name: SourceName | SinkName): string {
    return this.#topics[name];
  }

  /** Makes the sources' topics as their owners would, before `start` finds them missing. */
  async makeSources(config: Record<string, string> = {}): Promise<void> {
    const admin = this.kafka.admin();
    await admin.connect();
    const configEntries = Object.entries(config).map(([name, value]) => ({ name, value }));
    const topics = (['predictions', 'feedback'] as const).map((source) => this.topic(source));
    await admin.createTopics({
      waitForLeaders: true,
      topics: topics.map((topic) => ({ topic, numPartitions: 4, configEntries })),
    });
    await admin.disconnect();
  }

  /** Sends in the order given, and tells where it went; a message says its partition, or is spread over all. */
  async produce(source: SourceName, messages: readonly Message[]): Promise<RecordMetadata[]> {
    const sent: RecordMetadata[] = [];
    for (let from = 0; from < messages.length; from += SEND_MAX_RECORDS) {
      const part = messages.slice(from, from + SEND_MAX_RECORDS);
      sent.push(...(await this.#producer.send({ topic: this.topic(source), messages: part })));
    }
    return sent;
  }

  /** Says on all partitions of both sources that nothing earlier than `time_ms` follows. */
  async heartbeat(time_ms: number): Promise<void> {
    const headers: IHeaders = { [HEARTBEAT_HEADER]: String(time_ms) };
    for (const source of ['predictions', 'feedback'] as const) {
      const count = this.processor.plan.partitions[this.topic(source)]!;
      const messages = Array.from({ length: count }, (_, partition) => ({ partition, value: null, headers }));
      await this.produce(source, messages);
    }
  }

  /** Everything on the topic now, in the order of each partition. */
  read(topic: string) {
    return readTopic(this.#brokers, topic);
  }

  /** What stands on a sink, parsed. */
  async sink<Value>(name: SinkName): Promise<Value[]> {
    const records = await this.read(this.topic(name));
    return records.map(({ value }) => JSON.parse(value!.toString('utf8')) as Value);
  }

  /** The account of a source once `taken_in` records were taken in; what is zero is left out. */
  async ledger(source: SourceName, taken_in: number): Promise<LedgerCounts> {
    const account = () => this.processor.ledger()[source] ?? {};
    // Workers tell their status by interval.
    await until(() => account().taken_in === taken_in, `${taken_in} records of ${source} are taken in`);
    return Object.fromEntries(Object.entries(account()).filter(([, count]) => count !== 0));
  }

  async end(): Promise<void> {
    await this.stop();
    await this.#producer.disconnect();
  }

  /** Every task of the plan runs, and every worker has some: nothing is going to move. */
  #isComplete(): boolean {
    const { plan, status } = { plan: this.processor.plan, status: this.processor.status() };
    const tasks = plan.stages.reduce((sum, { inputs }) => sum + plan.partitions[inputs[0]!.topic]!, 0);
    const running = status.workers.map((worker) => worker.tasks.length);
    return (
      status.not_ready === null &&
      running.every((count) => count > 0) &&
      running.reduce((sum, count) => sum + count, 0) === tasks
    );
  }
}
