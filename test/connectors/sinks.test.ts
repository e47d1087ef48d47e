/** What runs the sinks: position and state move together, and a sink takes from actors and sources alike. */
import assert from 'node:assert/strict';
import { fork } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { SINK_KINDS } from '../../connectors/catalogue.ts';
import type { Plan } from '../../engine/plan.ts';
import { lint } from '../../topology/lint.ts';
import { makePlan } from '../../topology/plan.ts';
import { ConnectedRun } from '../harness/connected_run.ts';
import { embeddedBroker, temporaryFolder } from '../harness/embedded.ts';
import { DEADLY, type FileConfig, linesOf, REFUSED } from '../harness/file_connector.ts';
import { HookServer } from '../harness/hook_server.ts';
import { withRealKafka } from '../harness/real_kafka.ts';
import { until } from '../harness/until.ts';

const FILE_CONNECTOR = new URL('../harness/file_connector.ts', import.meta.url).href;
const PARTITIONS = 2;

/** From a topic to files, by the connector for tests, which is in no catalogue. */
function filePlan(
  t: TestContext,
  fails_every: number,
): { plan: Plan; lines: () => string[][]; topic: string } {
  const file = join(temporaryFolder(t), 'out');
  // Names of its own: Apache Kafka is shared by the tests of a file.
  const topology = `files-${randomUUID().slice(0, 8)}`;
  const topic = `${topology}.lines`;
  const text = `topology: ${topology}
workers: 1
sources: { a: { kafka: { topic: ${topic}, partitions: ${PARTITIONS} } } }
sinks: { out: { from: a, webhook: { url_env: U, secret_env: S } } }`;
  const { graph } = lint(text, 'files.yaml', {});
  const kind = { ...SINK_KINDS.get('webhook')!, kind: 'file' };
  const config: FileConfig = { path: file, fails_every };
  graph!.sinks[0]!.connector = { kind, config: { ...config }, is_valid: true };
  const paths = Array.from({ length: PARTITIONS }, (_, partition) => `${file}.${partition}`);
  return { plan: makePlan(graph!), lines: () => paths.map(linesOf), topic };
}

function numbered(count: number) {
  return Array.from({ length: count }, (_, index) => ({
    partition: index % PARTITIONS,
    value: String(index),
  }));
}

function wanted(count: number): string[][] {
  return Array.from({ length: PARTITIONS }, (_, partition) =>
    numbered(count)
      .filter((message) => message.partition === partition)
      .map(({ value }) => value),
  );
}

test('a batch that failed is given again from the same state; what is refused is dead-lettered; nothing is lost', async (t) => {
  const broker = await embeddedBroker(t);
  const { plan, lines, topic } = filePlan(t, 3);
  const run = await ConnectedRun.planned(t, { brokers: broker.address, plan, connectors: FILE_CONNECTOR });
  await run.start();
  await run.ready();
  await run.produce(topic, [...numbered(200), { partition: 0, value: REFUSED }]);
  assert.deepEqual(await run.ledger('out.out', 201), { taken_in: 201, written: 200, dead_lettered: 1 });
  assert.deepEqual(lines(), wanted(200));
  const [letter] = await run.read(plan.dead_letter_topic);
  assert.deepEqual([letter!.headers['errata.code'], String(letter!.value)], ['file_refused', REFUSED]);
  const failures = run.processor.status().workers.flatMap(({ tasks }) => tasks.map((task) => task.failures));
  assert.ok(
    failures.every((count) => count > 0),
    'it failed in between',
  );
  await run.ready();
});

test('records that end the thread while they are written are found, and only they are set aside; the others are written once', {
  timeout: 120_000,
}, async (t) => {
  const broker = await embeddedBroker(t);
  const { plan, lines, topic } = filePlan(t, Number.POSITIVE_INFINITY);
  const run = await ConnectedRun.planned(t, { brokers: broker.address, plan, connectors: FILE_CONNECTOR });
  await run.start();
  await run.ready();
  const deadly = { partition: 0, value: DEADLY };
  await run.produce(topic, [...numbered(60), deadly, ...numbered(200).slice(60), deadly]);
  const letters = () => run.read(plan.dead_letter_topic);
  await until(async () => (await letters()).length === 2, 'both are set aside', 90_000);
  for (const { headers, value } of await letters()) {
    const { 'errata.code': code, 'errata.message': message, 'errata.stack': stack } = headers;
    assert.deepEqual([code, String(value)], ['killed_its_task', DEADLY]);
    assert.match(message!, /thrown while a record is written/);
    assert.match(stack!, /file_connector/);
  }
  assert.deepEqual(await run.ledger('out.out', 202), { taken_in: 202, written: 200, dead_lettered: 2 });
  assert.deepEqual(lines(), wanted(200));
  await run.ready();
});

test('killed in the middle, a sink that keeps its place writes each record once, on Apache Kafka', {
  timeout: 180_000,
}, async (t) => {
  const brokers = await withRealKafka(t);
  if (brokers === undefined) return;
  const { plan, lines, topic } = filePlan(t, 7);
  const plan_file = join(temporaryFolder(t), 'plan.json');
  writeFileSync(plan_file, JSON.stringify(plan));
  const run = await ConnectedRun.planned(t, { brokers, plan, connectors: FILE_CONNECTOR });
  const start = () => {
    const child = fork(join(import.meta.dirname, '../harness/run_topology.ts'), [
      plan_file,
      brokers,
      FILE_CONNECTOR,
    ]);
    t.after(() => child.kill('SIGKILL'));
    return child;
  };
  let child = start();
  await once(child, 'message');
  await run.produce(topic, numbered(1_000));
  const count = () => lines().flat().length;
  for (const least of [100, 400, 700]) {
    await until(() => count() >= least, `${least} lines`);
    child.kill('SIGKILL');
    await once(child, 'exit');
    child = start();
  }
  await until(() => count() >= 1_000, 'all lines', 90_000);
  await until(() => JSON.stringify(lines()) === JSON.stringify(wanted(1_000)), 'each once');
});

test('alerts of an actor reach a webhook as they are published, beside a sink that takes from its source', {
  timeout: 90_000,
}, async (t) => {
  const broker = await embeddedBroker(t);
  const [alerts, raw] = [await HookServer.start(t), await HookServer.start(t)];
  const yaml = `
topology: both
partitions: 2
workers: 2
sources:
  feedback: { kafka: { topic: feedback } }
actors:
  capture: { from: [feedback], join: none }
  stats: { kind: window, from: capture, tumbling: 1m, lateness: 1s, idle: 1s }
  severity: { from: stats, strategies: [threshold] }
sinks:
  hook: { from: severity, webhook: { url: "${alerts.url}" } }
  copy: { from: feedback, webhook: { url: "${raw.url}" } }
  alerts: { from: severity, kafka: { topic: alerts } }
`;
  const run = await ConnectedRun.prepare(t, { brokers: broker.address, yaml });
  await run.start();
  await run.ready();
  const now_ms = Date.now() - 120_000;
  const feedback = Array.from({ length: 30 }, (_, index) => ({
    key: `k${index % 3}`,
    value: JSON.stringify({
      prediction_id: `p${index}`,
      timestamp: now_ms + index,
      deployment_id: 'd',
      model_version: 'v',
      feedback_type: 'explicit',
      rating: 1,
    }),
  }));
  await run.produce('feedback', feedback);
  await until(() => alerts.taken.length > 0 && raw.taken.length === 30, 'both have got theirs', 60_000);
  const published = (await run.read('alerts')).map(({ value }) => String(value));
  assert.deepEqual(
    alerts.taken.map(({ body }) => body),
    published,
  );
  assert.deepEqual(
    alerts.taken.map(({ id }) => id),
    published.map((text) => JSON.parse(text).id),
  );
  assert.deepEqual(
    raw.taken.map(({ body }) => body).toSorted(),
    feedback.map(({ value }) => value).toSorted(),
  );
  assert.equal((await run.ledger('feedback', 30)).taken_in, 30);
});

test('what is bad for an actor and for a sink on the same source is a dead letter of each, and says of which', {
  timeout: 90_000,
}, async (t) => {
  const broker = await embeddedBroker(t);
  const hook = await HookServer.start(t);
  const yaml = `
topology: twice
partitions: 1
sources:
  feedback: { kafka: { topic: feedback } }
actors:
  capture: { from: feedback, join: none }
  stats: { kind: window, from: capture, tumbling: 1m }
sinks:
  hook: { from: feedback, webhook: { url: "${hook.url}" } }
  windows: { from: stats, kafka: { topic: windows } }
`;
  const run = await ConnectedRun.prepare(t, { brokers: broker.address, yaml });
  await run.start();
  await run.ready();
  await run.produce('feedback', [{ value: null }]);
  assert.equal((await run.ledger('feedback', 1)).dead_lettered, 1);
  assert.equal((await run.ledger('hook.out', 1)).dead_lettered, 1);
  const letters = (await run.read('twice.dead-letter')).map(({ headers }) => ({
    source: headers['errata.source'],
    stage: headers['errata.stage'],
    code: headers['errata.code'],
    position: headers['errata.position'],
  }));
  assert.deepEqual(
    letters.toSorted((a, b) => a.source!.localeCompare(b.source!)),
    [
      { source: 'feedback', stage: 'capture', code: 'null_value', position: 'feedback/0/0' },
      { source: 'hook', stage: 'hook.out', code: 'webhook_format', position: 'feedback/0/0' },
    ],
  );
});

test('a sink that starts at the latest leaves out what stands in the topic, and nothing that comes later, also while it is down', {
  timeout: 90_000,
}, async (t) => {
  const broker = await embeddedBroker(t);
  const hook = await HookServer.start(t);
  const yaml = `
topology: from-now
partitions: 2
sources:
  lines: { kafka: { topic: lines } }
sinks:
  hook: { from: lines, start: latest, webhook: { url: "${hook.url}" } }
`;
  const run = await ConnectedRun.prepare(t, { brokers: broker.address, yaml });
  await run.withAdmin((admin) => admin.createTopics({ topics: [{ topic: 'lines', numPartitions: 2 }] }));
  await run.produce('lines', [{ partition: 0, value: '"before"' }]);
  await run.start();
  await run.ready();
  await run.stop();
  await run.produce('lines', [
    { partition: 0, value: '"while down, 0"' },
    { partition: 1, value: '"while down, 1"' },
  ]);
  await run.start();
  await run.produce('lines', [{ partition: 0, value: '"after"' }]);
  assert.deepEqual(await run.ledger('hook.out', 3), { taken_in: 3, written: 3 });
  assert.deepEqual(hook.taken.map(({ body }) => body).toSorted(), [
    '"after"',
    '"while down, 0"',
    '"while down, 1"',
  ]);
});
