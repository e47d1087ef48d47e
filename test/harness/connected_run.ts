/** Any topology, run in this process on some Kafka for a test of its connectors. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Admin, Kafka, logLevel, type Message, type Producer } from 'kafkajs';
import pino from 'pino';
import { CONNECTORS_URL } from '../../connectors/catalogue.ts';
import { KAFKA_DEFAULTS } from '../../engine/kafka.ts';
import type { Plan } from '../../engine/plan.ts';
import { Processor } from '../../engine/processor.ts';
import { loadTopology } from '../../topology/load.ts';
import { type Ending, temporaryFolder } from './embedded.ts';
import { readTopic } from './read_topic.ts';
import { until } from './until.ts';

export interface ConnectedOptions {
  brokers: string;
  /** The topology's file. */
  yaml: string;
  /** Module of connectors; default: errata's own. */
  connectors?: string | undefined;
}

type PlannedOptions = Omit<ConnectedOptions, 'yaml'> & { plan: Plan; file?: string };

export class ConnectedRun {
  readonly file: string;
  readonly plan: Plan;
  readonly #brokers: string;
  readonly #connectors: string;
  readonly #kafka: Kafka;
  readonly #producer: Producer;
  #processor: Processor | undefined;

  /** Lints and plans; `start` runs it. All is ended with the test. */
  static async prepare(t: Ending, { brokers, yaml, connectors }: ConnectedOptions): Promise<ConnectedRun> {
    const file = join(temporaryFolder(t), 'topology.yaml');
    writeFileSync(file, yaml);
    const { plan, problems } = loadTopology(file, process.env);
    if (!plan) throw new Error(`the topology has mistakes: ${JSON.stringify(problems)}`);
    return ConnectedRun.planned(t, { brokers, plan, file, connectors });
  }

  /** Of a plan that no file could say. */
  static async planned(t: Ending, { brokers, plan, file = '', connectors = CONNECTORS_URL }: PlannedOptions) {
    const run = new ConnectedRun(file, plan, brokers, connectors);
    await run.#producer.connect();
    t.after(() => run.end());
    return run;
  }

  private constructor(file: string, plan: Plan, brokers: string, connectors: string) {
    this.file = file;
    this.plan = plan;
    this.#brokers = brokers;
    this.#connectors = connectors;
    this.#kafka = new Kafka({ brokers: brokers.split(','), logLevel: logLevel.ERROR });
    this.#producer = this.#kafka.producer({ allowAutoTopicCreation: false });
  }

  /** Resolves as soon as it runs, whether it is ready or not. */
  async start(): Promise<void> {
    this.#processor = await Processor.start(this.plan, {
      kafka: { ...KAFKA_DEFAULTS, brokers: this.#brokers.split(','), client_id: 'errata-test' },
      connectors: this.#connectors,
      log: pino({ level: process.env.LOG_LEVEL ?? 'silent' }, pino.destination({ dest: 2, sync: true })),
    });
  }

  get processor(): Processor {
    if (!this.#processor) throw new Error('the topology does not run');
    return this.#processor;
  }

  async ready(): Promise<void> {
    await until(() => this.processor.status().not_ready === null, 'it is ready', 60_000).catch((cause) => {
      throw new Error(`not ready: ${this.processor.status().not_ready}`, { cause });
    });
  }

  /** Waits until why it is not ready is as wanted, and returns it. */
  async notReady(wanted: RegExp): Promise<string> {
    const told = () => this.processor.status().not_ready ?? '';
    await until(() => wanted.test(told()), `not ready: ${wanted}`).catch((cause) => {
      throw new Error(`it says: ${told()}`, { cause });
    });
    return told();
  }

  async produce(topic: string, messages: readonly Message[]): Promise<void> {
    await this.#producer.send({ topic, messages: [...messages] });
  }

  read(topic: string) {
    return readTopic(this.#brokers, topic);
  }

  /** Of one account, once it adds up to so many records; what is zero is left out. */
  async ledger(account: string, taken_in: number): Promise<Record<string, number>> {
    const counts = () => this.processor.ledger()[account] ?? {};
    await until(() => counts().taken_in === taken_in, `${account} has taken in ${taken_in}`).catch(
      (cause) => {
        throw new Error(`${account}: ${JSON.stringify(counts())}`, { cause });
      },
    );
    return counts();
  }

  async withAdmin<Result>(act: (admin: Admin) => Promise<Result>): Promise<Result> {
    const admin = this.#kafka.admin();
    await admin.connect();
    try {
      return await act(admin);
    } finally {
      await admin.disconnect();
    }
  }

  async stop(): Promise<void> {
    await this.#processor?.stop();
    this.#processor = undefined;
  }

  async end(): Promise<void> {
    await this.stop();
    await this.#producer.disconnect();
  }
}
