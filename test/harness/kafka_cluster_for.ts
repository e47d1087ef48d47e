/** Three brokers for a test, which is skipped loudly where Kafka cannot be had, and fails with CI=true. */
import type { TestContext } from 'node:test';
import { KafkaCluster } from './kafka_cluster.ts';

export async function clusterFor(t: TestContext): Promise<KafkaCluster | undefined> {
  const cluster = await KafkaCluster.start();
  if ('missing' in cluster) {
    if (process.env.CI === 'true') throw new Error(cluster.missing);
    console.error(`SKIPPED: ${t.name}: ${cluster.missing}`);
    t.skip(cluster.missing);
    return undefined;
  }
  t.after(() => cluster.stop());
  return cluster;
}
