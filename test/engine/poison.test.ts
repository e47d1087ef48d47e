/** Records that kill the worker that processes them are found, and only they are set aside. */
import assert from 'node:assert/strict';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { RESTARTS } from '../../engine/restart_budget.ts';
import { temporaryFolder } from '../harness/embedded.ts';
import { withRealKafka } from '../harness/real_kafka.ts';
import { TopologyRun } from '../harness/topology_run.ts';
import { until } from '../harness/until.ts';

const RECORDS = 300;
const PARTITION = 1;
const SUPERVISION = {
  restarts: { ...RESTARTS, first_backoff_ms: 20, most_backoff_ms: 100 },
  worker_url: new URL('../harness/fragile_worker.ts', import.meta.url),
};

async function fragileRun(t: TestContext, changes: [string[], unknown][] = []) {
  const brokers = await withRealKafka(t);
  if (brokers === undefined) return undefined;
  const run = await TopologyRun.prepare(t, { brokers, own_names: true, changes, supervision: SUPERVISION });
  await run.start();
  return run;
}

/** Predictions of which some are poisoned, by their number. */
function predictions(from: number, poisons: Record<number, string>) {
  return Array.from({ length: RECORDS }, (_, index) => {
    const prediction_id = `p${from + index}`;
    const timestamp = Date.UTC(2024, 2, 1) + from + index;
    const value = { prediction_id, timestamp, deployment_id: 'd', model_version: 'v' };
    const poison = poisons[from + index];
    const headers = poison === undefined ? {} : { poison };
    return { partition: PARTITION, key: null, value: JSON.stringify(value), headers };
  });
}

/** Ids that the re-keying stage has passed on, as somebody reads them who reads committed records only. */
async function passedOn(run: TopologyRun): Promise<string[]> {
  const { namespace, topology } = run.plan;
  const records = await run.read(`${namespace}.${topology}.predictions.rekeyed`);
  return records
    .filter(({ headers }) => headers.errata === undefined)
    .map(({ value }) => JSON.parse(String(value)).prediction_id as string);
}

async function deadLetters(run: TopologyRun) {
  const records = await run.read(run.plan.dead_letter_topic);
  return records.map(({ value, headers }) => ({
    id: JSON.parse(String(value)).prediction_id as string,
    code: headers['errata.code'],
    message: headers['errata.message']!,
    stack: headers['errata.stack'],
    position: headers['errata.position'],
  }));
}

const allBut = (...poisoned: number[]) =>
  Array.from({ length: RECORDS }, (_, index) => index)
    .filter((index) => !poisoned.includes(index))
    .map((index) => `p${index}`)
    .sort();

test('records that throw where nothing guards their task, at once or at its next commit, are dead-lettered with the stack; all others are processed exactly once', {
  timeout: 60_000,
}, async (t) => {
  const run = await fragileRun(t);
  if (!run) return;
  await run.produce('predictions', predictions(0, { 70: 'throw', 200: 'commit' }));
  await until(async () => (await passedOn(run)).length >= RECORDS - 2, 'all others are passed on');
  await until(async () => (await deadLetters(run)).length === 2, 'two are set aside');
  assert.deepEqual((await passedOn(run)).sort(), allBut(70, 200));
  const letters = await deadLetters(run);
  assert.deepEqual(letters.map(({ id }) => id).sort(), ['p200', 'p70']);
  for (const { id, code, message, stack, position } of letters) {
    assert.equal(code, 'killed_its_task');
    assert.match(message, /outside of what guards actors/);
    assert.match(stack!, /fragile_worker/);
    assert.equal(position, `${run.topic('predictions')}/${PARTITION}/${id.slice(1)}`);
  }
  await until(() => run.processor.status().not_ready === null, 'it is ready again');
});

test('records on which a worker hangs or takes all memory are found by the watchdog and by the limit of its heap', {
  timeout: 60_000,
}, async (t) => {
  const run = await fragileRun(t, [
    [['watchdog'], '2s'],
    [['worker_heap'], '100m'],
  ]);
  if (!run) return;
  await run.produce('predictions', predictions(0, { 100: 'memory', 250: 'loop' }));
  await until(async () => (await deadLetters(run)).length === 2, 'two are set aside');
  await until(async () => (await passedOn(run)).length >= RECORDS - 2, 'all others are passed on');
  assert.deepEqual((await passedOn(run)).sort(), allBut(100, 250));
  const said = Object.fromEntries((await deadLetters(run)).map(({ id, message }) => [id, message]));
  assert.deepEqual(Object.keys(said).sort(), ['p100', 'p250']);
  assert.match(said.p100!, /out of memory/);
  assert.match(said.p250!, /stuck: nothing was heard of it for 2 s/);
});

test('a thread that is ended from outside, time and again at the same record, leaves that record where it is', {
  timeout: 60_000,
}, async (t) => {
  const run = await fragileRun(t);
  if (!run) return;
  const flag = join(temporaryFolder(t), 'linger');
  writeFileSync(flag, '');
  await run.produce('predictions', predictions(0, { 40: `while ${flag}` }));
  for (let kills = 0; kills < 3; kills++) {
    await until(() => readFileSync(flag, 'utf8') !== '', 'a worker is at the record');
    const thread_id = Number(readFileSync(flag, 'utf8'));
    writeFileSync(flag, '');
    await run.processor.threads.find(({ threadId }) => threadId === thread_id)!.terminate();
  }
  rmSync(flag);
  await until(async () => (await passedOn(run)).length >= RECORDS, 'all are passed on');
  assert.deepEqual((await passedOn(run)).sort(), allBut());
  assert.deepEqual(await deadLetters(run), []);
});
