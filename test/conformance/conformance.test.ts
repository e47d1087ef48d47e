/**
 * The same client calls against the embedded broker and against real Apache Kafka. Their answers are compared with
 * each other by way of `answers.json`, which real Kafka gave: so the embedded broker is held to it also where there is
 * no Kafka. RECORD_ANSWERS=1 writes the file anew from real Kafka (then `biome check --write`).
 */
import assert from 'node:assert/strict';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { registerCodecs } from '../harness/compression_codecs.ts';
import { embeddedBroker } from '../harness/embedded.ts';
import { withRealKafka } from '../harness/real_kafka.ts';
import { CASES } from './cases.ts';
import { Scope } from './conformance_case.ts';

type Answers = Record<string, unknown>;

const FILE = join(import.meta.dirname, 'answers.json');
const recorded: Answers = existsSync(FILE) ? (JSON.parse(readFileSync(FILE, 'utf8')) as Answers) : {};
registerCodecs();

/** A case that hangs fails by name. */
const LIMIT = { timeout: 60_000 };

async function answerOf(address: string, index: number): Promise<unknown> {
  const scope = new Scope(address, index);
  try {
    return scope.plain(await CASES[index]!.run(scope));
  } finally {
    await scope.close();
  }
}

test('the embedded broker answers as Apache Kafka does', { concurrency: true }, async (t) => {
  const broker = await embeddedBroker(t, { compaction_interval_ms: 100 });
  await Promise.all(
    CASES.map(({ name }, index) =>
      t.test(name, LIMIT, async () =>
        assert.deepEqual(await answerOf(broker.address, index), recorded[name]),
      ),
    ),
  );
});

test('Apache Kafka answers as recorded', { concurrency: 4 }, async (t) => {
  const brokers = await withRealKafka(t);
  if (brokers === undefined) return;
  const is_recording = process.env.RECORD_ANSWERS === '1';
  const answers: Answers = {};
  await Promise.all(
    CASES.map(({ name }, index) =>
      t.test(name, LIMIT, async () => {
        answers[name] = await answerOf(brokers, index);
        if (!is_recording) assert.deepEqual(answers[name], recorded[name]);
      }),
    ),
  );
  if (!is_recording) return;
  const in_order = Object.fromEntries(CASES.map(({ name }) => [name, answers[name]]));
  writeFileSync(FILE, `${JSON.stringify(in_order, null, 2)}\n`);
});
