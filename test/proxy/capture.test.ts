/** `errata proxy` as an operator runs it: what went through stands in Kafka, and Kafka's outage is no model's. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { Kafka, logLevel } from 'kafkajs';
import { decode } from '../../messages/decode.ts';
import type { CaptureStats } from '../../proxy/capture.ts';
import { onBothBrokers } from '../harness/both_brokers.ts';
import { BrokerChild } from '../harness/broker_child.ts';
import { embeddedBroker } from '../harness/embedded.ts';
import { ErrataProcess } from '../harness/errata_process.ts';
import { freePort } from '../harness/kafka_node.ts';
import { hasKcat, kcat } from '../harness/kcat.ts';
import { type ModelServer, modelServer } from '../harness/model_server.ts';
import { readTopic } from '../harness/read_topic.ts';
import { until } from '../harness/until.ts';

const PREDICT = '/v1/models/doubler/versions/7:predict';
const INFER = '/v2/models/doubler/infer';

interface Proxied {
  process: ErrataProcess;
  url: string;
}

async function startProxy(
  t: TestContext,
  server: ModelServer,
  brokers: string,
  options: string[] = [],
): Promise<Proxied> {
  const process = new ErrataProcess(t, {
    command: ['proxy', '--upstream', server.url, '--port', '0', '--admin-port', '0', ...options],
    env: { KAFKA_BROKERS: brokers },
  });
  return { process, url: await process.said(/^proxy on (\S+) for/m) };
}

async function predict(url: string, rows: number[][]): Promise<{ status: number; id: string }> {
  const response = await fetch(url + PREDICT, { method: 'POST', body: JSON.stringify({ instances: rows }) });
  await response.text();
  return { status: response.status, id: response.headers.get('x-prediction-id')! };
}

async function stats(process: ErrataProcess): Promise<CaptureStats> {
  return (await process.get<{ capture: CaptureStats }>('/health')).capture;
}

onBothBrokers('what went through stands in the topic', async (scope, t) => {
  const topic = await scope.topic('predictions', 2);
  const server = await modelServer(t);
  const { process, url } = await startProxy(t, server, scope.address, ['--topic', topic]);
  const sent = [];
  for (let number = 0; number < 20; number++) sent.push(await predict(url, [[number, number + 2]]));
  const tensor = { name: 'x', shape: [1, 2], datatype: 'FP32', data: [5, 7] };
  await fetch(url + INFER, {
    method: 'POST',
    body: JSON.stringify({ inputs: [tensor], parameters: { temperature: 1 } }),
    headers: { 'x-prediction-id': 'mine' },
  });
  assert.equal(await process.terminate(), 0);

  const records = await readTopic(scope.address, topic);
  const by_key = new Map(records.map(({ key, value }) => [String(key), decode(value)]));
  assert.equal(records.length, 21);
  for (const [number, { id }] of sent.entries()) {
    const decoded = by_key.get(id);
    assert(decoded?.kind === 'prediction');
    assert.equal(decoded.value.input_stats?.mean, number + 1);
    assert.deepEqual([decoded.value.deployment_id, decoded.value.model_version], ['doubler', '7']);
    assert.deepEqual(decoded.value.output, { predictions: [[2 * number, 2 * number + 4]] });
    assert(decoded.value.latency_ms! > 0 && decoded.value.latency_ms! < 30_000);
  }
  const mine = by_key.get('mine');
  assert(mine?.kind === 'prediction');
  assert.deepEqual([mine.value.model_version, mine.value.input_shape], ['3', [1, 2]]);
  assert.deepEqual(mine.value.model_params, { temperature: 1 });
});

test('kcat reads it, and the metrics count it', async (t) => {
  if (!hasKcat(t)) return;
  const { address } = await embeddedBroker(t);
  const kafka = new Kafka({ brokers: [address], logLevel: logLevel.NOTHING });
  await createTopic(kafka);
  const server = await modelServer(t);
  const { process, url } = await startProxy(t, server, address);
  const { id } = await predict(url, [[1, 2]]);
  await fetch(`${url}/v1/models/doubler`).then((response) => response.text());
  await process.answer<{ capture: CaptureStats }>('/health', ({ capture }) => capture.published === 1);
  const read = await kcat(address, [
    '-C',
    '-t',
    'predictions',
    '-o',
    'beginning',
    '-e',
    '-q',
    '-f',
    '%k %s\n',
  ]);
  const [key, value] = [read.slice(0, read.indexOf(' ')), JSON.parse(read.slice(read.indexOf(' ')))];
  assert.deepEqual([key, value.prediction_id], [id, id]);

  const admin = await process.said(/^admin API on (\S+)$/m);
  const metrics = await fetch(`${admin}/metrics`).then((response) => response.text());
  assert.match(
    metrics,
    /^errata_proxy_requests_total\{kind="inference",status="200",ending="completed"\} 1$/m,
  );
  assert.match(metrics, /^errata_proxy_requests_total\{kind="other",status="200",ending="completed"\} 1$/m);
  assert.match(metrics, /^errata_proxy_captured_total\{outcome="published"\} 1$/m);
  assert.match(metrics, /^errata_proxy_kafka_reachable 1$/m);
});

async function createTopic(kafka: Kafka): Promise<void> {
  const admin = kafka.admin();
  await admin.connect();
  await admin.createTopics({ topics: [{ topic: 'predictions', numPartitions: 2 }] });
  await admin.disconnect();
}

/** Inferences one after the other in several lanes until told to stop. */
function load(url: string, rows: number[][]) {
  const seen: { status: number; id: string; latency_ms: number }[] = [];
  let is_over = false;
  const lanes = Array.from({ length: 8 }, async () => {
    while (!is_over) {
      const begun_ms = performance.now();
      const { status, id } = await predict(url, rows);
      seen.push({ status, id, latency_ms: performance.now() - begun_ms });
    }
  });
  const stop = async () => {
    is_over = true;
    await Promise.all(lanes);
  };
  return { seen, stop };
}

interface Outage {
  begin(broker: BrokerChild): Promise<void>;
  end(broker: BrokerChild): Promise<void>;
  /** Told by the proxy as its problem with Kafka: of a broker that is silent, kafkajs finds out after 30 s only. */
  is_told: boolean;
}

const OUTAGES: Record<string, Outage> = {
  'is killed': { begin: (broker) => broker.kill(), end: (broker) => broker.start(), is_told: true },
  'accepts connections and never answers': {
    begin: async (broker) => broker.freeze(),
    end: async (broker) => broker.thaw(),
    is_told: false,
  },
};

for (const [what, { begin, end, is_told }] of Object.entries(OUTAGES)) {
  test(`a broker that ${what} under load delays and fails no inference`, { timeout: 120_000 }, async (t) => {
    const broker = await BrokerChild.start(t);
    const { address } = broker;
    const kafka = new Kafka({ brokers: [address], logLevel: logLevel.NOTHING });
    await createTopic(kafka);
    const server = await modelServer(t);
    const { process, url } = await startProxy(t, server, address, [
      '--max-buffer',
      '1m',
      '--log-level',
      'warn',
    ]);

    const { seen, stop } = load(url, [Array.from({ length: 500 }, (_, at) => at / 3)]);
    await until(async () => (await stats(process)).published > 500, 'some are published');
    const before = seen.splice(0).map(({ latency_ms }) => latency_ms);
    await begin(broker);
    const isAway = ({ dropped, kafka_problem }: CaptureStats) =>
      dropped > 500 && (kafka_problem !== undefined || !is_told);
    await until(async () => isAway(await stats(process)), 'the buffer is full');
    const without = seen.splice(0).map(({ latency_ms }) => latency_ms);
    const down = await stats(process);
    assert.equal(down.last_problem, 'the buffer is full');
    assert(down.buffered_bytes <= 1024 * 1024);
    assertNotDelayed(without, before);

    await end(broker);
    const { published } = await stats(process);
    await until(async () => (await stats(process)).published > published + 100, 'it goes on');
    await stop();
    assert(seen.every(({ status }) => status === 200));
    const idle = () => stats(process).then(({ buffered }) => buffered === 0);
    await until(idle, 'all are settled');
    const last = await stats(process);
    assert.equal(last.captured, server.inferences);
    assert.equal(last.captured, last.published + last.dropped + last.failed);
    assert.equal(last.kafka_problem, undefined);

    assert.equal(await process.terminate(), 0);
    const ids = new Set((await readTopic(address, 'predictions')).map(({ key }) => String(key)));
    assert.equal(ids.size, last.published);
  });
}

/** Most take as long as they did, but for what else a machine does; no single one waits for a time-out of Kafka, which would be seconds. */
function assertNotDelayed(without_ms: number[], before_ms: number[]): void {
  const [median_ms, allowed_ms] = [medianOf(without_ms), 2 * medianOf(before_ms) + 50];
  assert(median_ms < allowed_ms, `the median is ${median_ms} ms, allowed were ${allowed_ms} ms`);
  // Generous, as machines are slow.
  assert(Math.max(...without_ms) < Math.max(1_000, 10 * Math.max(...before_ms)));
}

function medianOf(values: number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!;
}

test('without a Kafka it does not start; with one that is away it does', async (t) => {
  const server = await modelServer(t);
  const command = ['proxy', '--upstream', server.url, '--port', '0', '--admin-port', '0'];
  const none = new ErrataProcess(t, { command });
  assert.equal(await none.exited, 1);
  assert.match(none.stderr, /E_KAFKA_BROKERS/);
  const wrong = new ErrataProcess(t, { command: [...command, '--upstream', 'ftp://x', '--brokers', 'k:1'] });
  assert.equal(await wrong.exited, 1);
  assert.match(wrong.stderr, /E_UPSTREAM_URL/);

  const { process, url } = await startProxy(t, server, `127.0.0.1:${await freePort()}`);
  assert.equal((await predict(url, [[1]])).status, 200);
  await process.answer<{ capture: CaptureStats }>('/health', ({ capture }) =>
    /ECONNREFUSED|Connection error/.test(capture.kafka_problem ?? ''),
  );
  assert.equal((await process.ask('GET', '/ready')).status, 200);
});
