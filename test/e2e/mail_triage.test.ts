/** `npm start`, as a user meets it: the replay, what it prints, and what is in the topics while it stays up. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Kafka, logLevel } from 'kafkajs';
import type { DemoResult } from '../../cli/demo/report.ts';
import type { Alert } from '../../messages/assessment.ts';
import type { Lineage } from '../../messages/evaluation.ts';
import type { Rollout } from '../../messages/rollout.ts';
import { temporaryFolder } from '../harness/embedded.ts';
import { hasKcat, kcat } from '../harness/kcat.ts';
import { until } from '../harness/until.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const PUBLISHED = [
  'window_start',
  'window_end',
  'total_events',
  'error_rate',
  'patterns',
  'severity',
  'recommended_action',
];

interface Demo {
  child: ChildProcess;
  printed(): string;
  result: DemoResult;
  broker: string;
}

async function startDemo(t: TestContext, data_dir: string): Promise<Demo> {
  const child = spawn(
    process.execPath,
    ['cli/errata.ts', 'demo', '--seed', '1', '--kafka-port', '0', '--data', data_dir],
    { cwd: ROOT, stdio: ['ignore', 'pipe', 'inherit'] },
  );
  t.after(() => child.kill('SIGKILL'));
  let printed = '';
  child.stdout!.on('data', (chunk) => {
    printed += chunk;
  });
  await until(() => /\n\{.*\}\n/.test(printed) || child.exitCode !== null, 'the replay ends', 200_000);
  assert.equal(child.exitCode, null, printed);
  const result = JSON.parse(/\n(\{.*\})\n/.exec(printed)![1]!) as DemoResult;
  const broker = /embedded broker on (\S+),/.exec(printed)![1]!;
  return { child, printed: () => printed, result, broker };
}

async function readAll(broker: string, topic: string, expected: number): Promise<unknown[]> {
  const kafka = new Kafka({ brokers: [broker], logLevel: logLevel.ERROR });
  const consumer = kafka.consumer({ groupId: `reader-of-${topic}` });
  await consumer.connect();
  await consumer.subscribe({ topic, fromBeginning: true });
  const values: unknown[] = [];
  await consumer.run({
    eachMessage: async ({ message }) => {
      values.push(JSON.parse(message.value!.toString()));
    },
  });
  await until(() => values.length >= expected, `${expected} records of ${topic}`);
  await consumer.disconnect();
  return values;
}

function lineages(data_dir: string): Lineage[] {
  const folder = join(data_dir, 'registry', 'artefacts');
  return readdirSync(folder)
    .filter((name) => name.endsWith('.json'))
    .map((name) => (JSON.parse(readFileSync(join(folder, name), 'utf8')) as { lineage: Lineage }).lineage);
}

test('the mails run through the loop, and everybody can read along', async (t) => {
  const data_dir = temporaryFolder(t);
  const { child, printed, result, broker } = await startDemo(t, join(data_dir, 'demo'));

  await t.test('the loop beats the first model, and not every window alerts', () => {
    assert.equal(result.mails, 3966);
    assert.ok(result.promotions > 0);
    assert.equal(result.retrainings, result.promotions + result.rejected);
    assert.ok(result.live_error < result.frozen_error, JSON.stringify(result));
    assert.ok(result.live_error_last_third < result.frozen_error_last_third, JSON.stringify(result));
    assert.ok(result.alerts < result.windows, JSON.stringify(result));
    assert.match(
      printed(),
      /month +mails +frozen model wrong +live model wrong +alerts +trainings +verdicts/,
    );
  });

  const alerts = (await readAll(broker, 'mail.alerts', result.alerts)) as Alert[];
  await t.test('a plain consumer reads the alerts with their seven published fields', () => {
    assert.equal(alerts.length, result.alerts);
    for (const alert of alerts) for (const field of PUBLISHED) assert.ok(field in alert, field);
  });

  await t.test('every training names the alert that called for it', () => {
    const trained = lineages(join(data_dir, 'demo')).filter(({ alert_id }) => alert_id !== null);
    assert.ok(trained.length > 0);
    const ids = new Set(alerts.map(({ id }) => id));
    for (const { alert_id } of trained) assert.ok(ids.has(alert_id!), `${alert_id} is no alert`);
  });

  await t.test('what is served is what the rollout topic says', async () => {
    const rollouts = (await readAll(broker, 'mail.rollouts', result.retrainings + 1)) as Rollout[];
    assert.equal(rollouts.filter(({ kind }) => kind === 'promote').length, result.promotions + 1);
    assert.equal(rollouts.filter(({ kind }) => kind === 'reject').length, result.rejected);
  });

  await t.test('kcat prints the alerts, as the demo says', async (t) => {
    if (!hasKcat(t)) return;
    const lines = (await kcat(broker, ['-C', '-t', 'mail.alerts', '-o', 'beginning', '-e', '-q']))
      .trim()
      .split('\n');
    assert.equal(lines.length, result.alerts);
    for (const line of lines) for (const field of PUBLISHED) assert.ok(field in JSON.parse(line), field);
  });

  await t.test('Ctrl-C ends it with status 0', async () => {
    child.kill('SIGINT');
    await until(() => child.exitCode !== null, 'the demo ends');
    assert.equal(child.exitCode, 0);
  });
});

test('a port that is taken is named, with what to do', async (t) => {
  const { createServer } = await import('node:net');
  const server = createServer().listen(0, '127.0.0.1');
  t.after(() => server.close());
  await until(() => server.listening, 'the port is taken');
  const { port } = server.address() as { port: number };
  const child = spawn(process.execPath, ['cli/errata.ts', 'demo', '--exit', '--kafka-port', String(port)], {
    cwd: ROOT,
  });
  let complained = '';
  child.stderr.on('data', (chunk) => {
    complained += chunk;
  });
  await until(() => child.exitCode !== null, 'the demo gives up');
  assert.equal(child.exitCode, 1);
  assert.match(complained, new RegExp(`E_PORT_IN_USE.*${port}`));
});
