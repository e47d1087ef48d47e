/** The snippets of docs/sdk.md are programs that run. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { decode } from '../../messages/decode.ts';
import { scopeFor } from '../harness/both_brokers.ts';
import { embeddedBroker } from '../harness/embedded.ts';
import { readTopic } from '../harness/read_topic.ts';

const snippets = [...readFileSync('docs/sdk.md', 'utf8').matchAll(/^```ts\n([\s\S]*?)^```$/gm)].map(
  ([, code]) => code!,
);

/** What a program prints. Rejects if it fails. */
async function run(code: string, brokers: string): Promise<string> {
  const running = promisify(execFile)(process.execPath, ['--input-type=module-typescript', '--eval', code], {
    env: { ...process.env, KAFKA_BROKERS: brokers, NODE_NO_WARNINGS: '1' },
    timeout: 60_000,
  });
  const { stdout, stderr } = await running;
  assert.equal(stderr, '');
  return stdout;
}

test('docs/sdk.md: its snippets run, print what they say and publish valid messages', async (t) => {
  const { address } = await embeddedBroker(t);
  const admin = await scopeFor(t, address).admin();
  await admin.createTopics({
    topics: ['predictions', 'feedback'].map((topic) => ({ topic, numPartitions: 2 })),
  });

  assert.equal(snippets.length, 3);
  const [capture, feedback, heartbeat] = snippets;
  assert.match(
    await run(capture!, address),
    /^spam, known as [0-9a-f-]{36}\npublished 1, dropped 0, failed 0\n$/,
  );
  const refusal = /\/\/ (E_FEEDBACK: .*)$/m.exec(feedback!)![1];
  assert.equal(await run(feedback!, address), `${refusal}\npublished 2\n`);
  assert.equal(await run(heartbeat!, address), 'published 1\n');

  const kindsOf = async (topic: string) =>
    (await readTopic(address, topic)).map(({ value }) => (value ? decode(value).kind : 'heartbeat')).sort();
  assert.deepEqual(await kindsOf('predictions'), ['heartbeat', 'heartbeat', 'prediction', 'prediction']);
  assert.deepEqual(await kindsOf('feedback'), ['feedback', 'feedback']);
});
