/** What a user of docker-compose.yml sees. Run by container.test.ts, in a network where the services have their names. */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { Kafka, logLevel } from 'kafkajs';
import type { Readiness } from '../../admin/routes/ready.ts';
import type { Alert } from '../../messages/assessment.ts';
import { REPOSITORY } from '../harness/compose_file.ts';
import { ErrataContainer, startKafka, startPrometheus } from '../harness/composed.ts';
import { until } from '../harness/until.ts';
import type { Machinery } from './wired_parts.ts';

const { ERRATA_IMAGE = '', ERRATA_MACHINERY = '', ERRATA_SCRATCH = '' } = process.env;
const machinery = JSON.parse(ERRATA_MACHINERY) as Machinery;
const ADMIN = 'http://errata:8080';
const TOKEN = 'a-token-that-nobody-logs';
const PARTITIONS = 4;
const PATIENCE_MS = 60_000;

test('errata waits for Kafka, works, is watched, and stops when told', async (t) => {
  const secret = join(ERRATA_SCRATCH, 'admin_token');
  writeFileSync(secret, `${TOKEN}\n`);
  const image = JSON.parse(readFileSync(ERRATA_IMAGE, 'utf8'));
  const errata = new ErrataContainer({ image, folder: ERRATA_SCRATCH, secrets: { admin_token: secret } });
  errata.start(t);
  t.after(() => t.diagnostic(errata.log.slice(-5_000)));
  await until(() => errata.healthCheck() === 0, 'the health check passes', PATIENCE_MS);
  assert.equal(errata.programName, 'node');
  assert.match((await readiness()).topologies[0]!.reason!, /waits for Kafka at kafka:9092/);
  for (const path of ['/app/x', '/tmp/x', '/etc/x']) assert.ok(errata.refusesToWrite(path), path);
  assert.ok(!errata.refusesToWrite('/data/x'));

  await startKafka(t, machinery.kafka_jars, join(ERRATA_SCRATCH, 'kafka'));
  startPrometheus(t, join(ERRATA_SCRATCH, 'prometheus'));
  await until(async () => (await readiness()).ready, 'errata is ready', PATIENCE_MS);
  assert.equal((await fetch(`${ADMIN}/topologies`)).status, 401);
  const headers = { authorization: `Bearer ${TOKEN}` };
  assert.equal((await fetch(`${ADMIN}/topologies`, { headers })).status, 200);

  await sendComplaints();
  const alert = await firstAlert();
  assert.deepEqual([alert.kind, alert.deployment_id, alert.severity], ['raise', 'blue', 'high']);

  await dashboardShows();
  assert.equal(await errata.stop(), 0, errata.log);
  assert.ok(!errata.log.includes(TOKEN));
  assert.doesNotMatch(errata.log, /"level":[56]0/);
});

async function readiness(): Promise<Readiness> {
  return (await (await fetch(`${ADMIN}/ready`)).json()) as Readiness;
}

const kafka = new Kafka({ brokers: ['kafka:9092'], logLevel: logLevel.NOTHING });

/** Eight bad ratings in a window that is over, and in every partition something later, which closes it. */
async function sendComplaints(): Promise<void> {
  const window_ms = Math.floor(Date.now() / 300_000) * 300_000 - 3_600_000;
  const messages = Array.from({ length: 8 }, (_, id) => ({
    prediction: prediction(`p${id}`, window_ms + id),
    feedback: feedback(`p${id}`, window_ms + 1_000 + id),
  }));
  const later = Array.from({ length: PARTITIONS }, (_, partition) => ({
    partition,
    prediction: prediction(`later${partition}`, Date.now()),
    feedback: feedback(`later${partition}`, Date.now()),
  }));
  const producer = kafka.producer();
  await producer.connect();
  for (const kind of ['prediction', 'feedback'] as const) {
    const topic = kind === 'prediction' ? 'predictions' : 'feedback';
    await producer.send({ topic, messages: messages.map((one) => ({ value: one[kind] })) });
    await producer.send({
      topic,
      messages: later.map((one) => ({ value: one[kind], partition: one.partition })),
    });
  }
  await producer.disconnect();
}

function prediction(prediction_id: string, timestamp: number): string {
  const input_stats = { mean: 3.5, std: 1.5, min: 0, max: 9 };
  return JSON.stringify({ prediction_id, timestamp, deployment_id: 'blue', model_version: '7', input_stats });
}

function feedback(prediction_id: string, timestamp: number): string {
  return JSON.stringify({
    prediction_id,
    timestamp,
    session_id: 's',
    feedback_type: 'explicit',
    rating: 1,
  });
}

async function firstAlert(): Promise<Alert> {
  const consumer = kafka.consumer({ groupId: 'reader' });
  await consumer.connect();
  await consumer.subscribe({ topic: 'alerts', fromBeginning: true });
  const found = Promise.withResolvers<Alert>();
  await consumer.run({
    eachMessage: async ({ message }) => found.resolve(JSON.parse(String(message.value))),
  });
  const late = setTimeout(() => found.reject(new Error('no alert came')), PATIENCE_MS);
  const alert = await found.promise;
  clearTimeout(late);
  await consumer.disconnect();
  return alert;
}

interface Dashboard {
  panels: { title: string; targets: { expr: string }[] }[];
}

/** The standard topology has none. */
const CONNECTORS = /errata_connector_/;

/** What it asks is there: by name in what errata tells, and as an answer of Prometheus once it has scraped twice. */
async function dashboardShows(): Promise<void> {
  const file = join(REPOSITORY, 'deploy/infra/grafana/dashboards/errata.json');
  const { panels } = JSON.parse(readFileSync(file, 'utf8')) as Dashboard;
  const told = await (await fetch(`${ADMIN}/metrics`)).text();
  for (const { title, targets } of panels)
    for (const { expr } of targets) {
      const names = expr.match(/\b(errata|process|nodejs)_\w+/g) ?? [];
      assert.ok(names.length > 0, `${title} asks for nothing`);
      for (const name of names) assert.match(told, new RegExp(`^# HELP ${name} `, 'm'), `${title}: ${name}`);
      const series = await ask(expr);
      if (series > 0 || CONNECTORS.test(expr)) continue;
      await until(async () => (await ask(expr)) > 0, `${title} shows something: ${expr}`, PATIENCE_MS);
    }
}

/** How many series Prometheus answers with. */
async function ask(expr: string): Promise<number> {
  const url = new URL('http://prometheus:9090/api/v1/query');
  url.searchParams.set('query', expr.replaceAll('$topology', '.*'));
  const answer = (await (await fetch(url)).json()) as
    | { status: 'success'; data: { result: unknown[] } }
    | { status: 'error'; error: string };
  if (answer.status === 'error') throw new Error(`${expr}: ${answer.error}`);
  return answer.data.result.length;
}
