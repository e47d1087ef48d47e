/**
 * Apache Kafka 4 for tests: KAFKA_BROKERS if that is set, else one by Maven and Java, which test/run.ts starts once for
 * all files of a run (ERRATA_TEST_KAFKA; ERRATA_NO_KAFKA says why it could not). Without either, tests that need it are skipped with the reason;
 * with CI=true they fail.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { kafkaJars } from './kafka_jars.ts';
import { freePort, KafkaNode, SMALL } from './kafka_node.ts';

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
  // At once, so that they differ.
  const [port, controller_port] = await Promise.all([freePort(), freePort()]);
  const node = new KafkaNode({ folder, jars, heap_mb: 512, properties: oneNode(port, controller_port) });
  const stop = async () => {
    await node.kill();
    rmSync(folder, { recursive: true, force: true });
  };
  const brokers = `127.0.0.1:${port}`;
  try {
    node.start();
    await node.answers(brokers);
  } catch (thrown) {
    await stop();
    throw thrown;
  }
  return { brokers, stop };
}

/** Broker and controller in one. */
export function oneNode(port: number, controller_port: number): Record<string, string | number> {
  return {
    ...SMALL,
    'process.roles': 'broker,controller',
    'node.id': 1,
    'controller.quorum.voters': `1@127.0.0.1:${controller_port}`,
    listeners: `PLAINTEXT://127.0.0.1:${port},CONTROLLER://127.0.0.1:${controller_port}`,
    'controller.listener.names': 'CONTROLLER',
  };
}
