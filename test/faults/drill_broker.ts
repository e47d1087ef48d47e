/** The brokers that a drill kills and starts again on the same data: one of Apache Kafka, three of them, or the embedded one. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { temporaryFolder } from '../harness/embedded.ts';
import { BROKER_IDS, KafkaCluster } from '../harness/kafka_cluster.ts';
import { kafkaJars } from '../harness/kafka_jars.ts';
import { freePort, KafkaNode } from '../harness/kafka_node.ts';
import { oneNode } from '../harness/real_kafka.ts';
import type { Tidy } from './tidy.ts';

export const BROKER_KINDS = ['real', 'cluster', 'embedded'] as const;
export type BrokerKind = (typeof BROKER_KINDS)[number];

export interface DrillBroker {
  /** Of their own, past all proxies. */
  readonly addresses: readonly string[];
  /** The one with this number, modulo how many there are, is killed; `again` starts it and waits until it is whole. */
  kill(number: number): Promise<Killed>;
  /** The last of what each printed since it was started. */
  readonly log: string;
}

export interface Killed {
  again(): Promise<void>;
}

/** Drills would take long with what brokers allow by default. */
const MIN_SESSION_TIMEOUT_MS = 500;
const QUICK_SESSIONS = { 'group.min.session.timeout.ms': MIN_SESSION_TIMEOUT_MS };

/** Started; ended with `tidy`. */
export function startDrillBroker(kind: BrokerKind, tidy: Tidy): Promise<DrillBroker> {
  switch (kind) {
    case 'real':
      return realBroker(tidy);
    case 'cluster':
      return threeBrokers(tidy);
    case 'embedded':
      return embeddedBroker(tidy);
  }
}

async function realBroker(tidy: Tidy): Promise<DrillBroker> {
  const jars = kafkaJars();
  if ('missing' in jars) throw new Error(`Apache Kafka is not available: ${jars.missing}`);
  const port = await freePort();
  const folder = temporaryFolder(tidy, 'errata-drill-kafka-');
  const properties = { ...oneNode(port, await freePort()), ...QUICK_SESSIONS };
  const node = new KafkaNode({ folder, jars: jars.folder, heap_mb: 512, properties });
  tidy.after(() => node.kill());
  const address = `127.0.0.1:${port}`;
  const again = async () => {
    node.start();
    await node.answers(address);
  };
  await again();
  return {
    addresses: [address],
    async kill() {
      await node.kill();
      return { again };
    },
    get log() {
      return node.log;
    },
  };
}

async function threeBrokers(tidy: Tidy): Promise<DrillBroker> {
  const cluster = await KafkaCluster.start(QUICK_SESSIONS);
  if ('missing' in cluster) throw new Error(`Apache Kafka is not available: ${cluster.missing}`);
  tidy.after(() => cluster.stop());
  return {
    addresses: cluster.brokers,
    async kill(number) {
      const id = BROKER_IDS[number % BROKER_IDS.length]!;
      await cluster.kill(id);
      const again = () => {
        cluster.restart(id);
        return cluster.isWhole();
      };
      return { again };
    },
    get log() {
      return cluster.log;
    },
  };
}

async function embeddedBroker(tidy: Tidy): Promise<DrillBroker> {
  const folder = temporaryFolder(tidy, 'errata-drill-broker-');
  const broker = new EmbeddedProcess(await freePort(), folder);
  tidy.after(() => broker.end());
  await broker.start();
  return broker;
}

const PROCESS = join(import.meta.dirname, '../harness/broker_process.ts');

class EmbeddedProcess implements DrillBroker {
  readonly #port: number;
  readonly #folder: string;
  #child: ChildProcess | undefined;

  constructor(port: number, folder: string) {
    this.#port = port;
    this.#folder = folder;
  }

  readonly log = '';

  get addresses(): string[] {
    return [`127.0.0.1:${this.#port}`];
  }

  async start(): Promise<void> {
    const options = JSON.stringify({ min_session_timeout_ms: MIN_SESSION_TIMEOUT_MS });
    const child = spawn(process.execPath, [PROCESS, String(this.#port), this.#folder, options], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    this.#child = child;
    const ended = once(child, 'exit').then(() => Promise.reject(new Error('the embedded broker ended')));
    ended.catch(() => undefined);
    await Promise.race([once(child.stdout!, 'data'), ended]);
  }

  async kill(): Promise<Killed> {
    await this.end();
    return { again: () => this.start() };
  }

  async end(): Promise<void> {
    const child = this.#child;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    child.kill('SIGKILL');
    await once(child, 'exit');
  }
}
