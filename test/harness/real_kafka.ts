/**
 * Apache Kafka 4 for tests: KAFKA_BROKERS if that is set, else one by Maven and Java, which test/run.ts starts once for
 * all files of a run (ERRATA_TEST_KAFKA; ERRATA_NO_KAFKA says why it could not). Without either, tests that need it are skipped with the reason;
 * with CI=true they fail.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Kafka, logLevel } from 'kafkajs';
import { errorMessage } from '../../messages/errata_error.ts';
import { kafkaJars } from './kafka_jars.ts';

const START_TIMEOUT_MS = 90_000;
const CLUSTER_ID = 'errata-tests-0000000000';

export interface RealKafka {
  /** For KAFKA_BROKERS: `host:port`. */
  brokers: string;
  stop(): Promise<void>;
}

/** Starts Kafka or takes the one that runs; `missing` says why there is none. */
export async function realKafka(): Promise<RealKafka | { missing: string }> {
  const { KAFKA_BROKERS, ERRATA_TEST_KAFKA, ERRATA_NO_KAFKA } = process.env;
  const brokers = KAFKA_BROKERS || ERRATA_TEST_KAFKA;
  if (brokers) return { brokers, stop: async () => {} };
  if (ERRATA_NO_KAFKA) return { missing: ERRATA_NO_KAFKA };
  const jars = kafkaJars();
  return 'missing' in jars ? jars : await startKafka(jars.folder);
}

/** The brokers of a real Kafka, ended with the test; undefined if the test is skipped for want of one. */
export async function withRealKafka(t: TestContext): Promise<string | undefined> {
  const kafka = await realKafka();
  if ('brokers' in kafka) {
    t.after(() => kafka.stop());
    return kafka.brokers;
  }
  const reason = `real Apache Kafka is not available: ${kafka.missing} (needs Java 17 and Maven, or KAFKA_BROKERS)`;
  if (process.env.CI === 'true') throw new Error(reason);
  console.error(`SKIPPED: ${t.name}: ${reason}`);
  t.skip(reason);
  return undefined;
}

async function startKafka(jars: string): Promise<RealKafka> {
  const folder = mkdtempSync(join(tmpdir(), 'errata-kafka-'));
  const [port, controller_port] = [await freePort(), await freePort()];
  const config = join(folder, 'server.properties');
  writeFileSync(config, properties(folder, port, controller_port));
  const classpath = join(jars, '*');
  const format = spawnSync(
    'java',
    ['-cp', classpath, 'kafka.tools.StorageTool', 'format', '-t', CLUSTER_ID, '-c', config],
    { encoding: 'utf8' },
  );
  if (format.status !== 0) throw new Error(`Kafka's storage could not be formatted: ${format.stderr}`);
  const child = spawn(
    'java',
    ['-Xmx512m', '-XX:TieredStopAtLevel=1', '-cp', classpath, 'kafka.Kafka', config],
    {
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  );
  const log = tail(child);
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const kill = () => child.kill('SIGKILL');
  process.once('exit', kill);
  const stop = async () => {
    process.removeListener('exit', kill);
    kill();
    await ended;
    rmSync(folder, { recursive: true, force: true });
  };
  const brokers = `127.0.0.1:${port}`;
  try {
    await waitUntilItAnswers(brokers, child, log);
  } catch (thrown) {
    await stop();
    throw thrown;
  }
  return { brokers, stop };
}

function properties(folder: string, port: number, controller_port: number): string {
  return `
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:${controller_port}
listeners=PLAINTEXT://127.0.0.1:${port},CONTROLLER://127.0.0.1:${controller_port}
controller.listener.names=CONTROLLER
log.dirs=${join(folder, 'data')}
num.partitions=1
offsets.topic.num.partitions=4
offsets.topic.replication.factor=1
transaction.state.log.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
transaction.abort.timed.out.transaction.cleanup.interval.ms=300
log.cleaner.backoff.ms=200
group.initial.rebalance.delay.ms=0
`;
}

/** The last of what the process printed, for the message if it does not start. */
function tail(child: ChildProcess): () => string {
  let text = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on('data', (chunk: Buffer) => {
      text = (text + chunk.toString()).slice(-3000);
    });
  }
  return () => text;
}

async function waitUntilItAnswers(brokers: string, child: ChildProcess, log: () => string): Promise<void> {
  const deadline = Date.now() + START_TIMEOUT_MS;
  const kafka = new Kafka({ brokers: [brokers], logLevel: logLevel.NOTHING, retry: { retries: 0 } });
  for (;;) {
    if (child.exitCode !== null) throw new Error(`Kafka ended at start:\n${log()}`);
    const admin = kafka.admin();
    try {
      await admin.connect();
      if ((await admin.describeCluster()).brokers.length === 1) return;
    } catch (thrown) {
      if (Date.now() > deadline) throw new Error(`Kafka does not answer: ${errorMessage(thrown)}\n${log()}`);
    } finally {
      await admin.disconnect();
    }
    await sleep(100);
  }
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
