/** The broker that a drill kills and starts again on the same data: Apache Kafka, or the embedded one. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { temporaryFolder } from '../harness/embedded.ts';
import { kafkaJars } from '../harness/kafka_jars.ts';
import { freePort, KafkaNode } from '../harness/kafka_node.ts';
import { oneNode } from '../harness/real_kafka.ts';
import type { Tidy } from './tidy.ts';

export type BrokerKind = 'real' | 'embedded';

export interface DrillBroker {
  /** Of its own, past all proxies. */
  readonly address: string;
  start(): Promise<void>;
  kill(): Promise<void>;
  /** The last of what it printed since it was started. */
  readonly log: string;
}

/** Drills would take long with what brokers allow by default. */
const MIN_SESSION_TIMEOUT_MS = 500;

/** Started; ended with `tidy`. */
export async function startDrillBroker(kind: BrokerKind, tidy: Tidy): Promise<DrillBroker> {
  const broker = kind === 'real' ? await realBroker(tidy) : await embeddedBroker(tidy);
  await broker.start();
  return broker;
}

async function realBroker(tidy: Tidy): Promise<DrillBroker> {
  const jars = kafkaJars();
  if ('missing' in jars) throw new Error(`Apache Kafka is not available: ${jars.missing}`);
  const port = await freePort();
  const folder = temporaryFolder(tidy, 'errata-drill-kafka-');
  const properties = {
    ...oneNode(port, await freePort()),
    'group.min.session.timeout.ms': MIN_SESSION_TIMEOUT_MS,
  };
  const node = new KafkaNode({ folder, jars: jars.folder, heap_mb: 512, properties });
  tidy.after(() => node.kill());
  const address = `127.0.0.1:${port}`;
  const start = async () => {
    node.start();
    await node.answers(address);
  };
  return {
    address,
    start,
    kill: () => node.kill(),
    get log() {
      return node.log;
    },
  };
}

async function embeddedBroker(tidy: Tidy): Promise<DrillBroker> {
  const folder = temporaryFolder(tidy, 'errata-drill-broker-');
  const broker = new EmbeddedProcess(await freePort(), folder);
  tidy.after(() => broker.kill());
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

  get address(): string {
    return `127.0.0.1:${this.#port}`;
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

  async kill(): Promise<void> {
    const child = this.#child;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    child.kill('SIGKILL');
    await once(child, 'exit');
  }
}
