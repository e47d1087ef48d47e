/** What runs the sources: who dies says why and comes back, others go on; what arrives twice stands once in the topic. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { type TestContext, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { Type } from 'typebox';
import type { SourceKind } from '../../connectors/connector.ts';
import { addLedgers } from '../../engine/ledger.ts';
import type { Plan } from '../../engine/plan.ts';
import { lint } from '../../topology/lint.ts';
import { makePlan } from '../../topology/plan.ts';
import { ConnectedRun } from '../harness/connected_run.ts';
import { embeddedBroker } from '../harness/embedded.ts';
import { type Line, LineServer } from '../harness/line_connector.ts';
import type { TopicRecord } from '../harness/read_topic.ts';
import { withRealKafka } from '../harness/real_kafka.ts';
import { until } from '../harness/until.ts';

const LINE_CONNECTOR = new URL('../harness/line_connector.ts', import.meta.url).href;

/** A topology whose sources are brought in by the connector for tests, which is in no catalogue. */
function planOf(ports: ReadonlyMap<string, number>, dedupe: string | null): Plan {
  // Names of its own: Apache Kafka is shared by whoever runs tests on it.
  const topology = `lines-${randomUUID().slice(0, 8)}`;
  const sources = [...ports.keys()].map(
    (name) => `  ${name}: { kafka: { topic: ${topology}.${name}, partitions: 3 } }`,
  );
  const { graph } = lint(
    `topology: ${topology}\nworkers: 1\nsources:\n${sources.join('\n')}\n`,
    'lines.yaml',
    {},
  );
  for (const source of graph!.sources) {
    const kind = { kind: `${source.name}-lines`, config: Type.Object({}), dedupe } as SourceKind;
    source.connector = { kind, config: { port: ports.get(source.name) }, is_valid: true };
    source.dedupe = dedupe;
  }
  return makePlan(graph!);
}

function lines(count: number, from = 0): Line[] {
  return Array.from({ length: count }, (_, index) => ({
    id: `m-${from + index}`,
    key: `k-${(from + index) % 7}`,
    value: `v-${from + index}`,
    timestamp_ms: 1_700_000_000_000 + from + index,
  }));
}

/** Each line once, as it was sent, and those of a key in their order. */
function assertAre(records: readonly TopicRecord[], sent: readonly Line[]): void {
  const values = records.map(({ value }) => String(value));
  assert.deepEqual(values.toSorted(), sent.map(({ value }) => value).toSorted());
  for (const { key, value, headers, timestamp_ms } of records) {
    const line = sent[Number(String(value).slice(2))]!;
    assert.deepEqual(
      [String(key), headers, timestamp_ms],
      [line.key, { 'line.id': line.id }, line.timestamp_ms],
    );
  }
  for (const own of Map.groupBy(records, ({ key }) => String(key)).values()) {
    const times = own.map(({ timestamp_ms }) => timestamp_ms);
    assert.deepEqual(times, times.toSorted());
  }
}

interface Started {
  run: ConnectedRun;
  prepare(): Promise<ConnectedRun>;
  server(name: string): LineServer;
  topic(name: string): string;
}

async function started(
  t: TestContext,
  names: readonly string[],
  dedupe: string | null,
  on?: string,
): Promise<Started> {
  const brokers = on ?? (await embeddedBroker(t)).address;
  const servers = new Map<string, LineServer>();
  for (const name of names) servers.set(name, await LineServer.start(t));
  const plan = planOf(new Map([...servers].map(([name, { port }]) => [name, port])), dedupe);
  const prepare = () => ConnectedRun.planned(t, { brokers, plan, connectors: LINE_CONNECTOR });
  const run = await prepare();
  await run.start();
  await run.ready();
  return { run, prepare, server: (name) => servers.get(name)!, topic: (name) => `${plan.topology}.${name}` };
}

function onBoth(name: string, story: (t: TestContext, brokers?: string) => Promise<void>): void {
  test(`${name} (embedded broker)`, (t) => story(t));
  test(`${name} (Apache Kafka)`, { timeout: 120_000 }, async (t) => {
    const brokers = await withRealKafka(t);
    if (brokers !== undefined) await story(t, brokers);
  });
}

const valuesOf = async (run: ConnectedRun, topic: string) =>
  (await run.read(topic)).map(({ value }) => String(value)).toSorted();

onBoth(
  'what a source publishes is in its topic before it is acknowledged, with key, headers and time',
  async (t, brokers) => {
    const { run, server, topic } = await started(t, ['a'], null, brokers);
    server('a').send(lines(500));
    await until(() => server('a').acknowledged.size === 500, 'all are acknowledged');
    const records = await run.read(topic('a'));
    assertAre(records, lines(500));
  },
);

test('a source that fails makes the topology not ready and says why; others go on, and it comes back', async (t) => {
  const { run, server } = await started(t, ['a', 'b'], null);
  await server('a').down();
  await run.notReady(/source a \(a-lines\): .*(hung up|ECONNREFUSED)/);
  server('b').send(lines(10));
  await until(() => server('b').acknowledged.size === 10, 'the other goes on');
  await server('a').up();
  server('a').send(lines(10));
  await until(() => server('a').acknowledged.size === 10, 'it comes back');
  await run.ready();
  // Threads tell their status by interval.
  const counted = (source: string) => run.processor.status().sources.find((one) => one.source === source)!;
  await until(() => counted('b').records === 10, 'what went through is told');
  assert.deepEqual([counted('b').restarts, counted('b').failures], [0, 0]);
  assert.ok(counted('a').restarts > 0 && counted('a').failures > 0);
});

test('a source whose thread dies takes nobody with it', async (t) => {
  const { run, server } = await started(t, ['a', 'b'], null);
  server('a').send(lines(10));
  await until(() => server('a').acknowledged.size === 10, 'the first are acknowledged');
  server('a').order({ order: 'die', message: 'told to die' });
  await run.notReady(/source a \(a-lines\): told to die/);
  server('b').send(lines(10));
  await until(() => server('b').acknowledged.size === 10, 'the other goes on');
  server('a').send(lines(10, 10));
  await until(() => server('a').acknowledged.size === 20, 'it comes back');
  await run.ready();
  assert.equal(run.processor.status().sources.find(({ source }) => source === 'a')!.restarts, 1);
});

onBoth(
  'what arrives twice stands once in the topic, whichever process it came through',
  async (t, brokers) => {
    const { run, prepare, server, topic } = await started(t, ['a'], '1h', brokers);
    const other = await prepare();
    await other.start();
    await until(() => server('a').connected === 2, 'both processes are connected');
    // Both get all of it, and one of them dies and gets it again.
    server('a').send(lines(300));
    server('a').order({ order: 'fail', message: 'told to fail' });
    await until(() => server('a').acknowledged.size === 300, 'all are acknowledged');
    server('a').repeat();
    await until(async () => (await run.read(topic('a'))).length >= 300, 'all are there');
    await run.processor.settled();
    const ingested = (await run.read(`errata.${run.plan.topology}.a.ingest`)).length;
    assert.ok(ingested > 600, `${ingested} arrived`);
    const records = await run.read(topic('a'));
    assertAre(records, lines(300));
    const account = () => addLedgers([run.processor.ledger(), other.processor.ledger()])['a.ingest'];
    await until(() => account()?.duplicate === ingested - 300, 'all are accounted for');
    assert.deepEqual(account(), { taken_in: ingested, passed_on: 300, duplicate: ingested - 300 });
  },
);

test('a paused source publishes nothing and tells how much it holds; it goes on when it is resumed', async (t) => {
  const { run, server, topic } = await started(t, ['a'], null);
  run.processor.pause('a');
  await delay(200);
  server('a').send(lines(5));
  const lag = () => run.processor.status().sources[0]!.lag;
  await until(() => lag()?.messages === 5, 'all are held');
  assert.equal(lag()!.oldest_ms, lines(1)[0]!.timestamp_ms);
  await delay(1_000);
  assert.deepEqual(await valuesOf(run, topic('a')), []);
  run.processor.resume('a');
  await until(() => server('a').acknowledged.size === 5, 'they are acknowledged');
  await until(() => lag()?.messages === 0, 'none is held');
  assert.equal(lag()!.oldest_ms, null);
});
