/** One process of Apache Kafka: formatted once, started, killed, started again on the same data. */

import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Kafka, logLevel } from 'kafkajs';
import { errorMessage } from '../../messages/errata_error.ts';

const START_TIMEOUT_MS = 90_000;
const QUICK_START = ['-XX:TieredStopAtLevel=1'];
const CLUSTER_ID = 'errata-tests-0000000000';

export interface NodeOptions {
  /** Where its configuration and data are; must exist. */
  folder: string;
  /** Folder of Kafka's jars. */
  jars: string;
  /** server.properties but for log.dirs. */
  properties: Record<string, string | number>;
  heap_mb: number;
  format_options?: string[];
  system_properties?: Record<string, string>;
  /** Default: what starts quickly. */
  jvm_options?: string[];
}

export class KafkaNode {
  readonly #options: NodeOptions;
  #child: ChildProcess | undefined;
  #log = '';
  readonly #onExit = () => this.#child?.kill('SIGKILL');

  /** Formats its storage. */
  constructor(options: NodeOptions) {
    this.#options = options;
    const { folder, jars, properties, format_options = [] } = options;
    const lines = Object.entries({ ...properties, 'log.dirs': join(folder, 'data') });
    writeFileSync(this.#config, lines.map(([name, value]) => `${name}=${value}\n`).join(''));
    const format = ['kafka.tools.StorageTool', 'format', '-t', CLUSTER_ID, '-c', this.#config];
    const { status, stdout, stderr } = spawnSync(
      'java',
      [...QUICK_START, '-cp', join(jars, '*'), ...format, ...format_options],
      { encoding: 'utf8' },
    );
    if (status !== 0) throw new Error(`Kafka's storage could not be formatted: ${stdout}${stderr}`);
  }

  get #config(): string {
    return join(this.#options.folder, 'server.properties');
  }

  start(): void {
    const { jars, heap_mb, system_properties = {}, jvm_options = QUICK_START } = this.#options;
    const defined = Object.entries(system_properties).map(([name, value]) => `-D${name}=${value}`);
    const child = spawn(
      'java',
      [`-Xmx${heap_mb}m`, ...jvm_options, ...defined, '-cp', join(jars, '*'), 'kafka.Kafka', this.#config],
      { stdio: ['ignore', 'pipe', 'pipe'] },
    );
    this.#log = '';
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (chunk: Buffer) => {
        this.#log = (this.#log + chunk.toString()).slice(-20_000);
      });
    this.#child = child;
    process.once('exit', this.#onExit);
  }

  /** Of the process that was started last. */
  get pid(): number {
    return this.#child!.pid!;
  }

  /** The last of what it printed. */
  get log(): string {
    return this.#log;
  }

  /** Without warning. Resolves when it is gone. */
  async kill(): Promise<void> {
    process.removeListener('exit', this.#onExit);
    const child = this.#child;
    this.#child = undefined;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const gone = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGKILL');
    await gone;
  }

  /** Resolves when `brokers` answer at `address`, which must speak plain text. */
  async answers(address: string, brokers = 1): Promise<void> {
    const deadline = Date.now() + START_TIMEOUT_MS;
    const kafka = new Kafka({ brokers: [address], logLevel: logLevel.NOTHING, retry: { retries: 0 } });
    for (;;) {
      if (this.#child?.exitCode !== null) throw new Error(`Kafka ended at start:\n${this.#log}`);
      const admin = kafka.admin();
      try {
        await admin.connect();
        if ((await admin.describeCluster()).brokers.length === brokers) return;
      } catch (thrown) {
        if (Date.now() > deadline)
          throw new Error(`Kafka does not answer: ${errorMessage(thrown)}\n${this.#log}`);
      } finally {
        await admin.disconnect();
      }
      await sleep(100);
    }
  }
}

/** What nodes with one replica of everything have in common. */
export const SMALL = {
  'num.partitions': 1,
  'offsets.topic.num.partitions': 4,
  'offsets.topic.replication.factor': 1,
  'transaction.state.log.num.partitions': 4,
  'transaction.state.log.replication.factor': 1,
  'transaction.state.log.min.isr': 1,
  'share.coordinator.state.topic.replication.factor': 1,
  'share.coordinator.state.topic.min.isr': 1,
  'transaction.abort.timed.out.transaction.cleanup.interval.ms': 300,
  'log.cleaner.backoff.ms': 200,
  'group.initial.rebalance.delay.ms': 0,
};

/**
 * Below the ports from which connections are given theirs (32768 on Linux): otherwise one may take it while the server that
 * it is for is down, or has not started yet.
 */
const PORTS = { from: 20_000, to: 32_000 };

/** A port on which nobody listens. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(PORTS.from, PORTS.to);
    if (await isFree(port)) return port;
  }
}

function isFree(port: number): Promise<boolean> {
  const server = createServer();
  return new Promise((resolve) => {
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}
