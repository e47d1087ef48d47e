/**
 * Answers one training job: gathers its cases, has a candidate trained and compared with the champion, registers
 * both the artefact and the answer.
 *
 * A job is answered once: run again under the same id, also after a crash, it gets the recorded answer. If the
 * crash came between artefact and answer, training again gives the same artefact.
 */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { ErrataError } from '../messages/errata_error.ts';
import type { Evaluation, Lineage } from '../messages/evaluation.ts';
import { toIso } from '../messages/timestamp.ts';
import type { TrainingJob } from '../messages/training_job.ts';
import type { TrainingConfig } from './config.ts';
import { baseExamples, buildDataset, type Dataset, hashExamples } from './dataset.ts';
import type { TrainingPool } from './pool.ts';
import type { CasesPort, Labelled, RegistryPort } from './ports.ts';
import type { Example, TrainContext } from './trainer.ts';
import type { TrainTask } from './worker.ts';

export interface JobParts {
  cases: CasesPort;
  registry: RegistryPort;
  pool: TrainingPool;
}

/** How the models of a deployment are trained. */
export interface Recipe {
  /** URL of the trainer's module, from `trainerUrl`. */
  trainer_url: string;
  config: TrainingConfig;
}

/**
 * Trains and compares; a candidate that cannot be made is an answer too (`candidate: null`, `failure`). Throws what
 * says nothing about the candidate: a port that fails, a thread that died. Such a job may
 * be run again.
 */
export async function runJob(job: TrainingJob, recipe: Recipe, parts: JobParts): Promise<Evaluation> {
  const recorded = await parts.registry.answer(job.job_id);
  if (recorded) return recorded;
  const evaluation = await evaluate(job, recipe, parts);
  await parts.registry.recordAnswer(evaluation);
  return evaluation;
}

/** Trains and registers a deployment's first model on its base data set; returns its version. Throws what failed. */
export async function trainFirstModel(
  first: { deployment_id: string; seed: number; base: readonly Labelled[] },
  recipe: Recipe,
  parts: Pick<JobParts, 'registry' | 'pool'>,
): Promise<string> {
  const examples = baseExamples(first.base, recipe.config.holdout.older_share);
  const task = { ...taskOf(recipe, first.seed), examples, recent: [], older: [] };
  const result = await parts.pool.run(task);
  if (result.kind === 'failed') throw new ErrataError(result.code, result.message);
  const lineage = {
    ...(await lineageOf(examples, hashExamples(examples), recipe, first.seed)),
    job_id: `first.${first.deployment_id}`,
    alert_id: null,
    parent: null,
  };
  return parts.registry.put(result.bytes, lineage);
}

async function evaluate(job: TrainingJob, recipe: Recipe, parts: JobParts): Promise<Evaluation> {
  const [base, outcomes] = await Promise.all([parts.cases.base(job), parts.cases.outcomes(job)]);
  const dataset = buildDataset(base, outcomes, job, recipe.config);
  const { job_id, alert_id, topology, deployment_id, champion } = job;
  const identity = { job_id, alert_id, topology, deployment_id, champion, time: job.window_end };
  const failed = ({ code, message }: { code: string; message: string }): Evaluation => {
    const failure = `${code}: ${message}`;
    return { ...identity, candidate: null, recent: null, older: null, failure, lineage: null };
  };
  const found = await findChampion(champion, parts.registry);
  if (found instanceof ErrataError) return failed(found);
  const result = await parts.pool.run(trainTask(job, recipe, dataset, found));
  if (result.kind === 'failed') return failed(result);
  const lineage: Lineage = {
    ...(await lineageOf(dataset.examples, dataset.hash, recipe, job.seed)),
    job_id,
    alert_id,
    parent: champion,
  };
  const candidate = await parts.registry.put(result.bytes, lineage);
  return { ...identity, candidate, recent: result.recent, older: result.older, failure: null, lineage };
}

/** A champion that the registry does not have, or not whole, cannot be beaten: trying again would not help. */
async function findChampion(
  model_version: string,
  registry: RegistryPort,
): Promise<Uint8Array | ErrataError> {
  try {
    return (await registry.get(model_version)).bytes;
  } catch (error) {
    if (error instanceof ErrataError) return error;
    throw error;
  }
}

function trainTask(job: TrainingJob, recipe: Recipe, dataset: Dataset, champion: Uint8Array): TrainTask {
  const { examples, recent, older } = dataset;
  return { ...taskOf(recipe, job.seed), examples, champion, recent, older };
}

function taskOf({ trainer_url, config }: Recipe, seed: number): Pick<TrainTask, 'trainer_url' | 'context'> {
  const context: TrainContext = { seed, options: config.options };
  const [one, other] = config.answers ?? [];
  if (config.answers) context.answers = [one, other];
  return { trainer_url, context };
}

type DataLineage = Omit<Lineage, 'job_id' | 'alert_id' | 'parent'>;

async function lineageOf(
  examples: readonly Example[],
  dataset_hash: string,
  recipe: Recipe,
  seed: number,
): Promise<DataLineage> {
  const code = await readFile(fileURLToPath(recipe.trainer_url));
  const [first, last] = [examples[0], examples.at(-1)];
  return {
    trainer: recipe.trainer_url.slice(recipe.trainer_url.lastIndexOf('/') + 1),
    trainer_hash: createHash('sha256').update(code).update(JSON.stringify(recipe.config)).digest('hex'),
    dataset_hash,
    examples: examples.length,
    data_from: first ? toIso(first.time_ms) : null,
    data_to: last ? toIso(last.time_ms) : null,
    seed,
  };
}
