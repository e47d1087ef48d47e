/** The programs of docs/sdk.md run, in a project that has installed the SDK, and print what they say. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { PEERS } from '../../cli/sdk_package/entries.ts';
import { decode } from '../../messages/decode.ts';
import { scopeFor } from '../harness/both_brokers.ts';
import { launchChromium } from '../harness/chromium.ts';
import { embeddedBroker } from '../harness/embedded.ts';
import { IngestServer } from '../harness/ingest_server.ts';
import { hasPython } from '../harness/python.ts';
import { readTopic } from '../harness/read_topic.ts';
import { runTool } from '../harness/run_tool.ts';
import { SdkProject } from '../harness/sdk_project.ts';
import { until } from '../harness/until.ts';
import { webSite } from '../harness/web_site.ts';

const text = readFileSync('docs/sdk.md', 'utf8');

function snippets(language: string): string[] {
  return [...text.matchAll(new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\`$`, 'gm'))].map(
    ([, code]) => code!,
  );
}

test('docs/sdk.md: its programs run, print what they say and publish valid messages', async (t) => {
  const { address } = await embeddedBroker(t);
  const admin = await scopeFor(t, address).admin();
  await admin.createTopics({
    topics: ['predictions', 'feedback'].map((topic) => ({ topic, numPartitions: 2 })),
  });
  const ingest = await IngestServer.start(t);
  const project = await SdkProject.create(t, Object.keys(PEERS));
  const run = (code: string, index: number) =>
    project.node([project.write(`snippet${index}.mjs`, code)], {
      env: { KAFKA_BROKERS: address, INGEST_URL: ingest.url },
    });

  const programs = snippets('js');
  assert.equal(programs.length, 5);
  const [capture, layer, feedback, http, heartbeat] = programs;
  const uuid = '[0-9a-f-]{36}';
  assert.match(
    await run(capture!, 1),
    new RegExp(`^spam, known as ${uuid}\npublished 1, dropped 0, failed 0\n$`),
  );
  assert.match(await run(layer!, 2), /^published 1\n$/m);
  const refusal = /\/\/ (E_FEEDBACK: .*)$/m.exec(feedback!)![1];
  assert.equal(await run(feedback!, 3), `${refusal}\npublished 2\n`);
  assert.equal(await run(http!, 4), 'published 1 and 1\n');
  assert.equal(await run(heartbeat!, 5), 'published 1\n');

  const kindsOf = async (topic: string) =>
    (await readTopic(address, topic)).map(({ value }) => (value ? decode(value).kind : 'heartbeat')).sort();
  assert.deepEqual(await kindsOf('predictions'), ['heartbeat', 'heartbeat', 'prediction', 'prediction']);
  assert.deepEqual(await kindsOf('feedback'), ['feedback', 'feedback']);
  const digits = ingest.records.filter(({ deployment_id }) => deployment_id === 'digits');
  assert.deepEqual(
    digits.map(({ prediction_id, input_shape }) => [prediction_id, input_shape]),
    [
      ['digit-1', [1, 4]],
      ['digit-2', [1, 4]],
    ],
  );
  assert.equal(ingest.records.length, 4);
});

test('docs/sdk.md: its Python publishes to the ingest', async (t) => {
  if (!hasPython(t)) return;
  const ingest = await IngestServer.start(t);
  const [program] = snippets('python');
  const said = [...program!.matchAll(/# (\{.*\})$/gm)].map(([, printed]) => `${printed}\n`).join('');
  const printed = await runTool('env', [`INGEST_URL=${ingest.url}`, 'python3', '-c', program!]);
  assert.equal(printed, said);
  assert.deepEqual(
    ingest.records.map((record) => decode(Buffer.from(JSON.stringify(record))).kind),
    ['prediction', 'feedback'],
  );
});

test('docs/sdk.md: its page sends what is clicked', async (t) => {
  const browser = await launchChromium(t);
  if (!browser) return;
  const ingest = await IngestServer.start(t);
  const project = await SdkProject.create(t);
  const page = await browser.newPage();
  const [html] = snippets('html');
  const script = readFileSync(project.path('node_modules/errata-sdk/browser.script.js'));
  const buttons = '<button id="open">open</button><button id="wrong">wrong</button>';
  const shop = buttons + html!.replace('INGEST_URL', ingest.url);
  await page.goto(await webSite(t, (path) => (path === '/errata.js' ? script : shop)));
  await page.click('#open');
  await page.click('#wrong');
  await until(() => ingest.records.length === 2, 'both clicks');
  assert.deepEqual(
    ingest.records.map(({ user_action, rating, user_id }) => [user_action ?? rating, user_id]),
    [
      ['click', 'u-17'],
      [1, 'u-17'],
    ],
  );
});
