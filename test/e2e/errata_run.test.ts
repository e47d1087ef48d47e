/** `errata run` as an operator meets it: start, look, pause, stop, start again; and what keeps it from starting. */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { Kafka, logLevel } from 'kafkajs';
import type { LedgerView } from '../../admin/routes/ledger.ts';
import type { Readiness } from '../../admin/routes/ready.ts';
import type { TopologyView } from '../../admin/topology_view.ts';
import { startBroker } from '../../broker/broker.ts';
import type { Alert } from '../../messages/assessment.ts';
import type { WindowResult } from '../../messages/window.ts';
import { loadTopology } from '../../topology/load.ts';
import { temporaryFolder } from '../harness/embedded.ts';
import { ErrataProcess } from '../harness/errata_process.ts';
import { readTopic } from '../harness/read_topic.ts';

const FIVE_MINUTES_MS = 300_000;
/** A window that is over. */
const WINDOW_MS = Math.floor(Date.now() / FIVE_MINUTES_MS) * FIVE_MINUTES_MS - 12 * FIVE_MINUTES_MS;
const WINDOW_START = new Date(WINDOW_MS).toISOString();

/** The standard topology with windows that close soon after the last record. */
function topologyFile(t: TestContext, change: (yaml: string) => string = (yaml) => yaml): string {
  const file = join(temporaryFolder(t), 'feedback.yaml');
  const yaml = readFileSync('config/topologies/feedback.yaml', 'utf8');
  const quick = yaml.replace('idle: 30s', 'idle: 1s');
  assert.notEqual(quick, yaml);
  writeFileSync(file, change(quick));
  return file;
}

const prediction = (id: number) => ({
  prediction_id: `p${id}`,
  timestamp: WINDOW_MS + id,
  deployment_id: 'blue',
  model_version: '7',
  input_shape: [1, 4],
  input_stats: { mean: 3.5, std: 1.5, min: 0, max: 9 },
});

const feedback = (id: number) => ({
  prediction_id: `p${id}`,
  session_id: 's',
  feedback_type: 'explicit',
  rating: 1,
  timestamp: WINDOW_MS + 1000 + id,
});

async function send(brokers: string, topic: string, values: (object | string)[]): Promise<void> {
  const kafka = new Kafka({ brokers: [brokers], logLevel: logLevel.NOTHING });
  const producer = kafka.producer({ allowAutoTopicCreation: false });
  await producer.connect();
  const messages = values.map((value) => ({
    value: typeof value === 'string' ? value : JSON.stringify(value),
  }));
  await producer.send({ topic, messages });
  await producer.disconnect();
}

function range<Value>(from: number, to: number, make: (id: number) => Value): Value[] {
  return Array.from({ length: to - from }, (_, index) => make(from + index));
}

/** Those of one stage, or of all. */
function inputsOf({ stages }: TopologyView, stage?: string) {
  const wanted = stages.filter((one) => stage === undefined || one.stage === stage);
  return wanted.flatMap(({ tasks }) => tasks.flatMap(({ inputs }) => inputs));
}

function positionsOf(topology: TopologyView, stage: string): number[] {
  return inputsOf(topology, stage).map(({ position }) => position);
}

/** What is zero is left out. */
function countsOf({ sources }: LedgerView, source: string): Record<string, number> {
  const { taken_in, dispositions } = sources[source]!;
  const counts = Object.entries(dispositions).filter(([, count]) => count !== 0);
  return { taken_in, ...Object.fromEntries(counts) };
}

const TOPOLOGY = '/topologies/feedback';

function ledgerWith(errata: ErrataProcess, source: string, taken_in: number): Promise<LedgerView> {
  return errata.answer<LedgerView>(
    `${TOPOLOGY}/ledger`,
    ({ sources }) => sources[source]!.taken_in >= taken_in,
  );
}

test('it runs, shows what it does, pauses, stops and goes on where it was', async (t) => {
  const files = [topologyFile(t)];
  const data_dir = temporaryFolder(t);
  const token = 'a-token-that-nobody-logs';
  const errata = new ErrataProcess(t, { files, data_dir, token });
  const brokers = await errata.brokers();
  await errata.ready();
  assert.match(errata.stdout, /^topology feedback on 127\.0\.0\.1:\d+$/m);
  assert.equal((await errata.ask('GET', '/topologies', 'wrong')).body.code, 'E_TOKEN_WRONG');

  await send(brokers, 'predictions', range(0, 8, prediction));
  await send(brokers, 'feedback', [...range(0, 8, feedback), 'not JSON']);
  const { alerts } = await errata.answer<{ alerts: Alert[] }>(`${TOPOLOGY}/alerts`, ({ alerts }) =>
    alerts.some(({ total_events }) => total_events === 8),
  );
  const latest = alerts[0]!;
  assert.deepEqual(
    [latest.window_start, latest.deployment_id, latest.error_rate, latest.severity, latest.patterns],
    [WINDOW_START, 'blue', 1, 'high', { mean_3_std_1: 8 }],
  );
  assert.equal(alerts.at(-1)!.kind, 'raise');
  const on_topic = (await readTopic(brokers, 'alerts')).map(({ value }) => JSON.parse(String(value)));
  assert.deepEqual(on_topic.at(-1), latest);
  const { windows } = await errata.get<{ windows: WindowResult[] }>(`${TOPOLOGY}/windows?limit=1`);
  assert.deepEqual([windows[0]!.window_start, windows[0]!.total_events], [WINDOW_START, 8]);

  const ledger = await ledgerWith(errata, 'feedback', 9);
  assert.deepEqual(countsOf(ledger, 'predictions'), { taken_in: 8, joined: 8 });
  assert.deepEqual(countsOf(ledger, 'feedback'), { taken_in: 9, joined: 8, dead_lettered: 1 });
  assert.equal(ledger.sum_ok, true);
  await errata.answer<TopologyView>(TOPOLOGY, (topology) => {
    const inputs = inputsOf(topology);
    return inputs.length > 0 && inputs.every(({ lag }) => lag === 0);
  });

  const pause = await errata.ask('POST', `${TOPOLOGY}/sources/feedback/pause`);
  assert.equal(pause.status, 200);
  const paused = await errata.answer<TopologyView>(TOPOLOGY, (topology) =>
    inputsOf(topology, 'feedback').every((input) => input.paused),
  );
  await send(brokers, 'feedback', range(0, 3, feedback));
  await send(brokers, 'predictions', range(8, 12, prediction));
  const without = await ledgerWith(errata, 'predictions', 12);
  assert.equal(without.sources.feedback!.taken_in, 9);
  const still = await errata.get<TopologyView>(TOPOLOGY);
  assert.deepEqual(positionsOf(still, 'feedback'), positionsOf(paused, 'feedback'));
  await errata.ask('POST', `${TOPOLOGY}/sources/feedback/resume`);
  const before = await ledgerWith(errata, 'feedback', 12);
  assert.equal(await errata.terminate(), 0);
  assert.ok(!`${errata.stdout}${errata.stderr}`.includes(token));
  assert.doesNotMatch(errata.stderr, /"level":[56]0/);

  const again = new ErrataProcess(t, { files, data_dir });
  await again.ready();
  const after = await ledgerWith(again, 'feedback', 12);
  assert.deepEqual(after.sources, before.sources);
  await send(await again.brokers(), 'feedback', [feedback(11)]);
  const last = await ledgerWith(again, 'feedback', 13);
  assert.equal(last.sources.feedback!.taken_in, 13);
  assert.equal(last.sum_ok, true);
  assert.equal(await again.terminate(), 0);
});

test('it waits for Kafka, and a topology that cannot run leaves the others alone', async (t) => {
  const broken_file = topologyFile(t, (yaml) =>
    yaml
      .replace('topology: feedback', 'topology: broken')
      .replaceAll(/topic: (\w+)/g, (_, topic) => `topic: broken-${topic}`),
  );
  const options = { data_dir: temporaryFolder(t), port: 0 };
  const first = await startBroker(options);
  const admin = new Kafka({ brokers: [first.address], logLevel: logLevel.NOTHING }).admin();
  const { changelog } = loadTopology(broken_file, {}).plan!.stages.find((stage) => stage.changelog)!;
  await admin.connect();
  await admin.createTopics({ topics: [{ topic: changelog!, numPartitions: 3 }] });
  await admin.disconnect();
  await first.stop();

  const env = { KAFKA_BROKERS: first.address };
  const errata = new ErrataProcess(t, { files: [topologyFile(t), broken_file], env });
  const reasons = ({ topologies }: Readiness) => topologies.map(({ reason }) => reason);
  await errata.answer<Readiness>('/ready', (body) =>
    reasons(body).every((reason) => reason?.startsWith(`it waits for Kafka at ${first.address}`)),
  );
  assert.equal((await errata.ask('GET', '/ready')).status, 503);
  assert.equal((await errata.ask('GET', '/health')).status, 200);

  const second = await startBroker({ ...options, port: first.port });
  t.after(() => second.stop());
  const ready = await errata.answer<Readiness>(
    '/ready',
    (body) => reasons(body)[0] === null && reasons(body)[1]!.startsWith('E_'),
  );
  assert.match(reasons(ready)[1]!, /^E_PARTITIONS_CHANGED: stage \w+: .* has 4 partitions, .* has 3/);
  assert.equal(ready.ready, false);
  await send(first.address, 'feedback', [feedback(1)]);
  await ledgerWith(errata, 'feedback', 1);
  assert.doesNotMatch(errata.stdout, /embedded broker/);
  assert.equal(await errata.terminate(), 0);
});

test('mistakes in any of the files are all told before anything starts', async (t) => {
  const misspelt = topologyFile(t, (yaml) => yaml.replace('wait: 24h', 'wiat: 24h'));
  const dangling = topologyFile(t, (yaml) => yaml.replace('from: stats', 'from: stast'));
  const errata = new ErrataProcess(t, { files: [misspelt, dangling] });
  assert.equal(await errata.exited, 1);
  assert.match(errata.stderr, new RegExp(`^${misspelt}:\\d+:\\d+ +error +E_UNKNOWN_KEY`, 'm'));
  assert.match(errata.stderr, new RegExp(`^${dangling}:\\d+:\\d+ +error +E_UNKNOWN_REFERENCE`, 'm'));
  assert.equal(errata.stdout, '');
});

test('what keeps it from starting is said with a code', async (t) => {
  const files = [topologyFile(t)];
  const taken = createServer().listen(0, '127.0.0.1');
  t.after(() => taken.close());
  await new Promise((resolve) => taken.once('listening', resolve));
  const { port } = taken.address() as { port: number };
  const starts: [ErrataProcess, RegExp][] = [
    [
      new ErrataProcess(t, { files, options: ['--kafka-port', `${port}`] }),
      /^E_PORT_IN_USE: .*--kafka-port/m,
    ],
    [
      new ErrataProcess(t, { files, options: ['--admin-port', `${port}`] }),
      /^E_PORT_IN_USE: .*--admin-port/m,
    ],
    [new ErrataProcess(t, { files, options: ['--admin-host', '0.0.0.0'] }), /^E_ADMIN_TOKEN: /m],
    [new ErrataProcess(t, { files: [...files, ...files] }), /^E_TOPOLOGY_TWICE: /m],
    [new ErrataProcess(t, { files, env: { KAFKA_BROKERS: 'kafka' } }), /^E_KAFKA_BROKERS: /m],
  ];
  for (const [errata, message] of starts) {
    assert.equal(await errata.exited, 1);
    assert.match(errata.stderr, message);
    assert.doesNotMatch(errata.stdout, /^topology/m);
  }
});
