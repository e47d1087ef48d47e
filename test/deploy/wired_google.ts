/**
 * A topology of Google's services in docker-compose.yml: from a subscription, by Kafka, into a table. Run by container.test.ts,
 * in a network where the services have their names; in the place of Google's Pub/Sub emulator is Google's fake for tests.
 */
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import {
  ErrataContainer,
  GOOGLE_PROJECT,
  startBigQuery,
  startKafka,
  startPubsub,
} from '../harness/composed.ts';
import { until } from '../harness/until.ts';
import type { Machinery } from './wired_parts.ts';

const { ERRATA_IMAGE = '', ERRATA_MACHINERY = '', ERRATA_SCRATCH = '' } = process.env;
const machinery = JSON.parse(ERRATA_MACHINERY) as Machinery;
const PATIENCE_MS = 60_000;
const MESSAGES = 20;

const TOPOLOGY = `
topology: google
partitions: 2
sources:
  feedback: { pubsub: { subscription: feedback-sub }, topic: feedback }
sinks:
  ratings: { from: feedback, bigquery: { table: mail.ratings, mapping: { id: prediction_id, rating: rating } } }
`;

test('feedback on Pub/Sub stands in BigQuery, each once', async (t) => {
  const folder = join(ERRATA_SCRATCH, 'google');
  mkdirSync(folder, { mode: 0o755 });
  const topology = join(folder, 'topology.yaml');
  writeFileSync(topology, TOPOLOGY);
  const admin_token = join(folder, 'admin_token');
  writeFileSync(admin_token, 'a-token\n');

  await startKafka(t, machinery.kafka_jars, join(folder, 'kafka'));
  const pubsub = (await startPubsub(t, machinery.pubsub_fake)).client(GOOGLE_PROJECT);
  const bigquery = await startBigQuery(t, machinery.bqemulator);
  const [topic] = await pubsub.createTopic('feedback');
  await topic.createSubscription('feedback-sub', { enableMessageOrdering: true });
  await bigquery.createTable('mail.ratings', [
    { name: 'id', type: 'STRING' },
    { name: 'rating', type: 'INTEGER' },
  ]);

  const image = JSON.parse(readFileSync(ERRATA_IMAGE, 'utf8'));
  const errata = new ErrataContainer({ image, folder, secrets: { admin_token }, topology });
  errata.start(t);
  t.after(() => t.diagnostic(errata.log.slice(-5_000)));
  const isReady = () =>
    fetch('http://errata:8080/ready').then(
      ({ ok }) => ok,
      () => false,
    );
  await until(isReady, 'errata is ready', PATIENCE_MS);

  const wanted = Array.from({ length: MESSAGES }, (_, index) => ({
    id: `p${String(index).padStart(2, '0')}`,
    rating: 1 + (index % 5),
  }));
  await Promise.all(wanted.map(({ id, rating }) => topic.publishMessage({ json: feedback(id, rating) })));
  const rows = () => bigquery.rows('select id, rating from mail.ratings order by id');
  await until(async () => (await rows()).length >= MESSAGES, 'the rows', PATIENCE_MS);
  assert.deepEqual(await rows(), wanted);
  const metrics = await (await fetch('http://errata:8080/metrics')).text();
  for (const connector of ['feedback', 'ratings'])
    assert.match(metrics, new RegExp(`^errata_connector_up\\{.*connector="${connector}".*\\} 1$`, 'm'));
  assert.equal(await errata.stop(), 0, errata.log);
  assert.doesNotMatch(errata.log, /"level":[56]0/);
});

function feedback(prediction_id: string, rating: number) {
  return { prediction_id, timestamp: Date.now(), session_id: 's', feedback_type: 'explicit', rating };
}
