/**
 * `npm run cluster`: an application publishes through the SDK while each of three brokers is killed in its turn, so that
 * partitions move to brokers that have answered already. What counts as published is in the log.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { Kafka, logLevel } from 'kafkajs';
import { captureServing } from '../../sdk/index.ts';
import { kafkaPublisher } from '../../sdk/kafka_publisher.ts';
import { BROKER_IDS } from '../harness/kafka_cluster.ts';
import { clusterFor } from '../harness/kafka_cluster_for.ts';
import { readTopic } from '../harness/read_topic.ts';

const PARTITIONS = 12;
const EVERY_MS = 5;
const AWAY_MS = 1_500;
const TOPICS = { prediction: 'sdk.predictions', feedback: 'sdk.feedback' };

test('while leaders are killed, whatever counts as published is in the log', async (t) => {
  const cluster = await clusterFor(t);
  if (!cluster) return;
  const brokers = cluster.brokers;
  const admin = new Kafka({ brokers, logLevel: logLevel.NOTHING }).admin();
  await admin.connect();
  await admin.createTopics({
    topics: Object.values(TOPICS).map((topic) => ({ topic, numPartitions: PARTITIONS })),
  });
  await admin.disconnect();

  const publisher = kafkaPublisher({ brokers, topics: TOPICS });
  const capture = captureServing({ publisher, deployment_id: 'mail', model_version: 'v1' });
  const ids: string[] = [];
  const feeding = setInterval(() => ids.push(capture.capture({ output: ids.length })), EVERY_MS);
  t.after(() => clearInterval(feeding));
  for (const id of BROKER_IDS) {
    await cluster.kill(id);
    await delay(AWAY_MS);
    cluster.restart(id);
    await cluster.isWhole();
  }
  clearInterval(feeding);
  const { captured, published } = await capture.close();
  await publisher.close();
  assert.deepEqual({ captured, published }, { captured: ids.length, published: ids.length });
  const records = await readTopic(brokers.join(','), TOPICS.prediction);
  const there = new Set(records.map(({ key }) => String(key)));
  t.diagnostic(`${ids.length} published, ${records.length} records`);
  assert.deepEqual(
    ids.filter((id) => !there.has(id)),
    [],
  );
});
