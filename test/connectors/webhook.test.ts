/** Alerts reach a webhook: signed, each, in order per key, whatever the other side does. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { SlackMessage } from '../../connectors/slack_message.ts';
import { sign } from '../../connectors/webhook_request.ts';
import { partitionForKey } from '../../wire/murmur2.ts';
import { ConnectedRun } from '../harness/connected_run.ts';
import { embeddedBroker } from '../harness/embedded.ts';
import { ErrataProcess } from '../harness/errata_process.ts';
import { HookServer } from '../harness/hook_server.ts';
import { until } from '../harness/until.ts';

const TOPIC = 'alerts.in';

function bridge(url: string, settings = ''): string {
  return `
topology: hooks
partitions: 2
workers: 2
kafka: { properties: { session.timeout.ms: 6000, heartbeat.interval.ms: 500 } }
sources:
  alerts: { kafka: { topic: ${TOPIC} } }
sinks:
  hook: { from: alerts, webhook: { url: "${url}", secret_env: HOOK_SECRET${settings} } }
`;
}

function idOf(key: string, index: number): string {
  return `${key}-${String(index).padStart(4, '0')}`;
}

function idsOf(key: string, count: number): string[] {
  return Array.from({ length: count }, (_, index) => idOf(key, index));
}

function alert(key: string, index: number) {
  const id = idOf(key, index);
  return { key, value: JSON.stringify({ id, kind: 'raise', deployment_id: key }) };
}

/** The ids of each key in the order in which they were taken, repetitions left out. */
function orderOf({ taken }: HookServer): Record<string, string[]> {
  const order: Record<string, string[]> = {};
  for (const { id } of taken) {
    const key = id.slice(0, id.indexOf('-'));
    order[key] ??= [];
    if (!order[key].includes(id)) order[key].push(id);
  }
  return order;
}

process.env.HOOK_SECRET = 'between us';

test('each alert is posted once, signed over its time and body, in the order of its key', async (t) => {
  const { server, run } = await started(t);
  const keys = ['a', 'b', 'c', 'd', 'e'];
  const alerts = Array.from({ length: 40 }, (_, index) => keys.map((key) => alert(key, index))).flat();
  await run.produce(TOPIC, alerts);
  assert.deepEqual(await run.ledger('hook.out', 200), { taken_in: 200, written: 200 });
  assert.equal(server.taken.length, 200);
  for (const [key, ids] of Object.entries(orderOf(server)))
    assert.deepEqual(
      ids,
      Array.from({ length: 40 }, (_, index) => `${key}-${String(index).padStart(4, '0')}`),
    );
  for (const { headers, body } of server.taken) {
    const time_s = Number(headers['errata-timestamp']);
    assert.equal(headers['errata-signature'], `v1=${sign('between us', time_s, Buffer.from(body))}`);
    assert.ok(Math.abs(time_s - Date.now() / 1000) < 120);
  }
});

test('what is refused for good is dead-lettered with what the other side says; the rest goes in', async (t) => {
  const { server, run } = await started(t);
  server.answer = ({ id }) => ({ status: id === idOf('a', 3) ? 422 : 200 });
  await run.produce(
    TOPIC,
    Array.from({ length: 10 }, (_, index) => alert('a', index)),
  );
  assert.deepEqual(await run.ledger('hook.out', 10), { taken_in: 10, written: 9, dead_lettered: 1 });
  assert.deepEqual(
    orderOf(server).a,
    idsOf('a', 10).filter((id) => id !== idOf('a', 3)),
  );
  const letters = await run.read('hooks.dead-letter');
  assert.equal(letters.length, 1);
  assert.equal(letters[0]!.headers['errata.code'], 'webhook_refused');
  assert.match(letters[0]!.headers['errata.message']!, /422: no: 422/);
  assert.equal(letters[0]!.headers['errata.source'], 'hook');
  assert.equal(JSON.parse(String(letters[0]!.value)).id, idOf('a', 3));
});

test('feedback becomes an alert, and the alert a message as Slack takes it', async (t) => {
  const broker = await embeddedBroker(t);
  const server = await HookServer.start(t);
  process.env.SLACK_URL = server.url;
  const run = await ConnectedRun.prepare(t, { brokers: broker.address, yaml: SLACK_TOPOLOGY });
  await run.start();
  await run.ready();
  await complain(run);
  await until(() => server.taken.length > 0, 'Slack has the alert', 30_000);
  const [{ id, headers, body }] = server.taken as [(typeof server.taken)[0]];
  assert.equal(headers['content-type'], 'application/json');
  const { text, blocks } = JSON.parse(body) as SlackMessage;
  assert.equal(text, 'errata: raise, severity high for triage &lt;a&amp;b&gt; 7');
  const [section, details] = blocks as [{ text: { text: string } }, { fields: { text: string }[] }];
  assert.equal(section.text.text, text);
  const fields = details.fields.map((field) => field.text);
  for (const field of [
    '*Deployment*\ntriage &lt;a&amp;b&gt;',
    '*Error rate*\n100.0 %',
    '*Events*\n8',
    `*Id*\n${id}`,
  ])
    assert.ok(fields.includes(field), `${field}: ${fields}`);
  assert.deepEqual(await run.ledger('hook.out', 1), { taken_in: 1, written: 1 });
});

const SLACK_TOPOLOGY = `
topology: slack
partitions: 1
sources:
  predictions: { kafka: { topic: predictions } }
  feedback: { kafka: { topic: feedback } }
actors:
  capture: { from: [predictions, feedback], join: { wait: 24h } }
  stats: { kind: window, from: capture, tumbling: 5m, lateness: 24h, idle: 30s }
  severity: { from: stats, strategies: [threshold] }
sinks:
  hook: { from: severity, webhook: { url_env: SLACK_URL, format: slack } }
`;

/** Eight bad ratings in a window that is over, and something later, which closes it. */
async function complain(run: ConnectedRun): Promise<void> {
  const window_ms = Math.floor(Date.now() / 300_000) * 300_000 - 3_600_000;
  const times = [...Array.from({ length: 8 }, (_, index) => window_ms + index), Date.now()];
  const about = { deployment_id: 'triage <a&b>', model_version: '7' };
  const input_stats = { mean: 3.5, std: 1.5, min: 0, max: 9 };
  const ids = times.map((timestamp, index) => ({ prediction_id: `p${index}`, timestamp }));
  const rating = { session_id: 's', feedback_type: 'explicit', rating: 1 };
  const keyed = (one: { prediction_id: string }) => ({ key: one.prediction_id, value: JSON.stringify(one) });
  await run.produce(
    'predictions',
    ids.map((one) => keyed({ ...one, ...about, input_stats } as typeof one)),
  );
  await run.produce(
    'feedback',
    ids.map((one) => keyed({ ...one, ...rating } as typeof one)),
  );
}

test('a server that asks for patience gets it', async (t) => {
  const { server, run } = await started(t);
  server.answer = ({ id }) => {
    const asked = server.requests.filter((request) => request.id === id).length;
    return asked === 1 ? { status: 429, headers: { 'retry-after': '2' } } : { status: 200 };
  };
  await run.produce(TOPIC, [alert('a', 0)]);
  await run.notReady(/task hook.out\/\d is waiting: webhook: it answers 429/);
  await run.ledger('hook.out', 1);
  const [first, second] = server.requests;
  assert.ok(second!.at_ms - first!.at_ms >= 1_900, `asked again after ${second!.at_ms - first!.at_ms} ms`);
  assert.equal(first!.id, second!.id);
  await run.ready();
});

test('a server that is busy is asked less and less often', async (t) => {
  const { server, run } = await started(t);
  server.answer = () => ({ status: server.requests.length <= 3 ? 503 : 200 });
  await run.produce(TOPIC, [alert('a', 0)]);
  await run.ledger('hook.out', 1);
  const times = server.requests.map(({ at_ms }) => at_ms);
  const gaps = times.slice(1).map((at_ms, index) => at_ms - times[index]!);
  assert.equal(gaps.length, 3);
  // At least half of 0.2 s, 0.4 s and 0.8 s, but for the grain of the clock.
  for (const [index, least_ms] of [100, 200, 400].entries())
    assert.ok(gaps[index]! >= least_ms - 5, `asked again after ${gaps} ms`);
});

test('a token that is no longer taken, or a URL that has moved, is waited for: readiness says so, and no alert is given up', async (t) => {
  const { server, run } = await started(t);
  const elsewhere = await HookServer.start(t);
  let status = 401;
  server.answer = () => ({ status, ...(status === 308 ? { headers: { location: elsewhere.url } } : {}) });
  await run.produce(
    TOPIC,
    Array.from({ length: 5 }, (_, index) => alert('a', index)),
  );
  for (status of [401, 404, 308]) {
    const reason = await run.notReady(new RegExp(`is waiting: webhook: it answers ${status}`));
    if (status === 308) assert.match(reason, /redirects are not followed: configure the URL/);
  }
  status = 200;
  assert.deepEqual(await run.ledger('hook.out', 5), { taken_in: 5, written: 5 });
  assert.deepEqual(orderOf(server), { a: idsOf('a', 5) });
  assert.equal(elsewhere.requests.length, 0);
  await run.ready();
});

test('a server that is down is waited for: readiness says so, and nothing is lost', async (t) => {
  const { server, run } = await started(t);
  await server.down();
  await run.produce(
    TOPIC,
    Array.from({ length: 20 }, (_, index) => alert('a', index)),
  );
  const reason = await run.notReady(/webhook: it cannot be reached: ECONN/);
  assert.doesNotMatch(reason, /127\.0\.0\.1/, 'a URL may be a secret');
  await server.up();
  assert.deepEqual(await run.ledger('hook.out', 20), { taken_in: 20, written: 20 });
  assert.deepEqual(orderOf(server), { a: idsOf('a', 20) });
  await run.ready();
});

test('a slow partition does not stop the other', async (t) => {
  const { server, run } = await started(t);
  const [slow, quick] = [keyOf(0), keyOf(1)];
  let is_slow = true;
  server.answer = ({ id }) => ({ status: is_slow && id.startsWith(slow) ? 503 : 200 });
  await run.produce(TOPIC, [
    ...Array.from({ length: 10 }, (_, index) => alert(slow, index)),
    ...Array.from({ length: 100 }, (_, index) => alert(quick, index)),
  ]);
  await until(() => orderOf(server)[quick]?.length === 100, 'the quick one is through');
  await run.notReady(/hook.out\/0 is waiting: webhook: it answers 503/);
  const tasks = run.processor.status().workers.flatMap((worker) => worker.tasks);
  assert.deepEqual(tasks.map(({ task, phase }) => [task, phase]).toSorted(), [
    ['hook.out/0', 'waiting'],
    ['hook.out/1', 'running'],
  ]);
  assert.equal(orderOf(server)[slow], undefined);
  is_slow = false;
  await run.ledger('hook.out', 110);
  assert.deepEqual(orderOf(server)[slow], idsOf(slow, 10));
});

test('killed in the middle, it posts each alert at least once, and those of a key in their order', {
  timeout: 180_000,
}, async (t) => {
  const broker = await embeddedBroker(t);
  const server = await HookServer.start(t);
  server.answer = () => ({ status: 200, delay_ms: 5 });
  const { file, ...run } = await prepared(t, broker.address, server);
  const keys = ['a', 'b', 'c', 'd'];
  const start = () =>
    new ErrataProcess(t, {
      files: [file],
      env: { KAFKA_BROKERS: broker.address, HOOK_SECRET: 'between us' },
    });
  let errata = start();
  await errata.ready();
  await run.produce(Array.from({ length: 300 }, (_, index) => keys.map((key) => alert(key, index))).flat());
  for (const taken of [200, 500, 800]) {
    await until(() => server.taken.length >= taken, `${taken} are taken`);
    errata.signal('SIGKILL');
    await errata.exited;
    errata = start();
  }
  const wanted = Object.fromEntries(keys.map((key) => [key, idsOf(key, 300)]));
  const isThere = () => Object.values(orderOf(server)).flat().length === 1_200;
  await until(isThere, 'all are there', 90_000);
  assert.deepEqual(orderOf(server), wanted);
  t.diagnostic(`posted ${server.taken.length} times for 1200 alerts, killed three times`);
});

/** A key of that partition. */
function keyOf(partition: number): string {
  const keys = [...'abcdefghij'];
  return keys.find((key) => partitionForKey(Buffer.from(key), 2) === partition)!;
}

async function prepared(t: TestContext, brokers: string, server: HookServer) {
  const run = await ConnectedRun.prepare(t, { brokers, yaml: bridge(server.url) });
  return {
    file: run.file,
    produce: (messages: ReturnType<typeof alert>[]) => run.produce(TOPIC, messages),
  };
}

async function started(t: TestContext): Promise<{ server: HookServer; run: ConnectedRun }> {
  const broker = await embeddedBroker(t);
  const server = await HookServer.start(t);
  const run = await ConnectedRun.prepare(t, { brokers: broker.address, yaml: bridge(server.url) });
  await run.start();
  await run.ready();
  return { server, run };
}
