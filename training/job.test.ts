import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { ErrataError } from '../messages/errata_error.ts';
import type { Evaluation, Lineage } from '../messages/evaluation.ts';
import type { Outcome } from '../messages/outcome.ts';
import type { TrainingJob } from '../messages/training_job.ts';
import type { TrainingConfig } from './config.ts';
import { type JobParts, runJob, trainFirstModel } from './job.ts';
import { openTrainingPool, type TrainingPool } from './pool.ts';
import type { Artefact, Labelled, RegistryPort } from './ports.ts';
import { loadTrainer, trainerUrl } from './trainer.ts';
import runTrainTask from './worker.ts';

const config: TrainingConfig = {
  answers: ['cold', 'warm'],
  options: {},
  dataset: { silence_weight: 0.2, replay: 1000 },
  holdout: { recent_cases: 100, recent_share: 0.5, older_share: 0.2, reported_if_wrong: 0.4 },
};

/** A model of one number: warm from there on. It is put in the middle between the examples' weighted means. */
const THRESHOLD_TRAINER = `
export default {
  name: 'threshold',
  async train(examples, { options }) {
    if (options.crash) process.exit(7);
    const mean = (answer) => {
      const these = examples.filter((example) => example.answer === answer);
      if (these.length === 0) throw new Error('no example of ' + answer);
      const weight = these.reduce((sum, example) => sum + example.weight, 0);
      return these.reduce((sum, example) => sum + example.input * example.weight, 0) / weight;
    };
    return new TextEncoder().encode(String((mean('cold') + mean('warm')) / 2));
  },
  async load(bytes) {
    const threshold = Number(new TextDecoder().decode(bytes));
    return { predict: (input) => ({ output: input >= threshold ? 'warm' : 'cold', score: 1 }) };
  },
};
`;

const dir = await mkdtemp(join(tmpdir(), 'errata-training-'));
const pools: TrainingPool[] = [];
after(async () => {
  await Promise.all(pools.map((pool) => pool.close()));
  await rm(dir, { recursive: true });
});
await writeFile(join(dir, 'threshold.mjs'), THRESHOLD_TRAINER);
const recipe = { trainer_url: trainerUrl('./threshold.mjs', dir), config };

/** Before: warm is from 50 on. Now it is from 20 on, and every wrong answer is reported. */
const base: Labelled[] = Array.from({ length: 100 }, (_, index) => ({
  id: `b${index}`,
  time_ms: index,
  input: index,
  answer: index >= 50 ? 'warm' : 'cold',
}));

function outcomes(model_version: string): Outcome[] {
  return Array.from({ length: 100 }, (_, index) => {
    const output = index >= 50 ? 'warm' : 'cold';
    const bad = output !== (index >= 20 ? 'warm' : 'cold');
    const time_ms = 1000 + index;
    const prediction = { timestamp: time_ms, model_version, deployment_id: 'oven', input: index, output };
    const verdict = bad ? { score: -1, bad, by: 'explicit' as const, time_ms } : null;
    const prediction_id = `p${index}`;
    return { prediction_id, prediction_time_ms: time_ms, time_ms, prediction, verdict, previous: null };
  });
}

function memoryRegistry(): RegistryPort & {
  artefacts: Map<string, Artefact>;
  answers: Map<string, Evaluation>;
} {
  const artefacts = new Map<string, Artefact>();
  const answers = new Map<string, Evaluation>();
  return {
    artefacts,
    answers,
    async put(bytes: Uint8Array, lineage: Lineage) {
      const model_version = `v${Buffer.from(bytes).toString()}`;
      artefacts.set(model_version, { model_version, hash: model_version, bytes, lineage });
      return model_version;
    },
    async get(model_version) {
      const artefact = artefacts.get(model_version);
      if (!artefact) throw new ErrataError('E_ARTEFACT_MISSING', `no ${model_version}`);
      return artefact;
    },
    answer: async (job_id) => answers.get(job_id) ?? null,
    async recordAnswer(evaluation) {
      answers.set(evaluation.job_id, evaluation);
    },
  };
}

/** Counts what it runs, here in this thread. */
function countingPool(): TrainingPool & { runs: number } {
  const pool = {
    runs: 0,
    run: (task: Parameters<TrainingPool['run']>[0]) => {
      pool.runs += 1;
      return runTrainTask(task);
    },
    close: async () => {},
  };
  return pool;
}

async function setUp(pool: TrainingPool = countingPool()) {
  const registry = memoryRegistry();
  const champion = await trainFirstModel({ deployment_id: 'oven', seed: 1, base }, recipe, {
    registry,
    pool,
  });
  const parts: JobParts = {
    registry,
    pool,
    cases: { base: async () => base, outcomes: async () => outcomes(champion) },
  };
  const job: TrainingJob = {
    job_id: 'job-1',
    alert_id: 'alert-1',
    topology: 'kitchen',
    deployment_id: 'oven',
    champion,
    window_start: '2002-09-01T00:00:00.000Z',
    window_end: '2002-09-08T00:00:00.000Z',
    patterns: [],
    seed: 3,
  };
  return { registry, champion, parts, job };
}

test('a job gives a registered candidate with its lineage and both comparisons', async () => {
  const { registry, champion, parts, job } = await setUp();
  const evaluation = await runJob(job, recipe, parts);
  assert.equal(evaluation.failure, null);
  const { lineage } = await registry.get(evaluation.candidate!);
  assert.deepEqual(lineage, evaluation.lineage);
  assert.equal(lineage.alert_id, 'alert-1');
  assert.equal(lineage.parent, champion);
  assert.equal(lineage.data_to, '1970-01-01T00:00:01.098Z');
  assert.match(lineage.dataset_hash, /^[0-9a-f]{64}$/);
  assert.ok(evaluation.recent!.candidate_error < evaluation.recent!.champion_error);
  assert.ok(evaluation.older!.cases > 10);
});

test('a first model has neither alert nor parent, and never saw what later models are compared on', async () => {
  const { registry, champion } = await setUp();
  const { lineage } = await registry.get(champion);
  assert.equal(lineage.alert_id, null);
  assert.equal(lineage.parent, null);
  assert.ok(lineage.examples > 60 && lineage.examples < 95);
});

test('a job that was answered is not trained again', async () => {
  const pool = countingPool();
  const { parts, job } = await setUp(pool);
  const first = await runJob(job, recipe, parts);
  const runs = pool.runs;
  assert.deepEqual(await runJob(job, recipe, parts), first);
  assert.equal(pool.runs, runs);
});

test('after a crash between artefact and answer, the job arrives at the same candidate', async () => {
  const { registry, parts, job } = await setUp();
  const crashed = {
    ...registry,
    recordAnswer: () => Promise.reject(new Error('killed')),
  };
  await assert.rejects(runJob(job, recipe, { ...parts, registry: crashed }), /killed/);
  const left_behind = [...registry.artefacts.keys()];
  const evaluation = await runJob(job, recipe, parts);
  assert.ok(left_behind.includes(evaluation.candidate!));
});

test('a candidate that cannot be trained is an answer that says why', async () => {
  const { registry, parts, job } = await setUp();
  const cold = (labelled: Labelled) => labelled.answer === 'cold';
  const cases = { base: async () => base.filter(cold), outcomes: async () => [] };
  const evaluation = await runJob(job, recipe, { ...parts, cases });
  assert.equal(evaluation.candidate, null);
  assert.equal(evaluation.failure, 'E_TRAINER_FAILED: no example of warm');
  assert.deepEqual(await registry.answer(job.job_id), evaluation);
});

test('a champion that the registry does not have is an answer too', async () => {
  const { parts, job } = await setUp();
  const evaluation = await runJob({ ...job, champion: 'v-of-someone-else' }, recipe, parts);
  assert.equal(evaluation.failure, 'E_ARTEFACT_MISSING: no v-of-someone-else');
});

test('a port that fails is no answer: the job can be run again', async () => {
  const { registry, parts, job } = await setUp();
  const cases = { ...parts.cases, outcomes: () => Promise.reject(new Error('log unreachable')) };
  await assert.rejects(runJob(job, recipe, { ...parts, cases }), /log unreachable/);
  assert.equal(await registry.answer(job.job_id), null);
});

test('in the pool of threads: the same candidate, a failure is an answer, a crash is none', async () => {
  const pool = openTrainingPool();
  pools.push(pool);
  const { registry, parts, job } = await setUp(pool);
  const evaluation = await runJob(job, recipe, parts);
  assert.equal(evaluation.candidate, (await runJob(job, recipe, (await setUp()).parts)).candidate);

  const none = { base: async () => [], outcomes: async () => [] };
  const failed = await runJob({ ...job, job_id: 'job-2' }, recipe, { ...parts, cases: none });
  assert.equal(failed.failure, 'E_TRAINER_FAILED: no example of cold');

  const crashing = { ...recipe, config: { ...config, options: { crash: true } } };
  await assert.rejects(runJob({ ...job, job_id: 'job-3' }, crashing, parts));
  assert.equal(await registry.answer('job-3'), null);
  assert.equal((await runJob({ ...job, job_id: 'job-3' }, recipe, parts)).candidate, evaluation.candidate);
});

test('a trainer that does not exist or breaks the contract is named', async () => {
  assert.throws(() => trainerUrl('text_logistics'), { code: 'E_TRAINER_UNKNOWN', hint: /text_logistic/ });
  assert.throws(() => trainerUrl('constructor'), { code: 'E_TRAINER_UNKNOWN' });
  await assert.rejects(loadTrainer(trainerUrl('./none.mjs', dir)), { code: 'E_TRAINER_INVALID' });
  await writeFile(join(dir, 'no_trainer.mjs'), 'export default { name: "x" };');
  await assert.rejects(loadTrainer(trainerUrl('./no_trainer.mjs', dir)), { code: 'E_TRAINER_INVALID' });
  assert.equal((await loadTrainer(trainerUrl('text_logistic'))).name, 'text_logistic');
});
