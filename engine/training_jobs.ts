/** Fills the ports of training/: outcomes from the log, base data and artefacts from the registry, its own pool. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from 'pino';
import { ErrataError, errorMessage } from '../messages/errata_error.ts';
import type { Evaluation } from '../messages/evaluation.ts';
import type { Outcome } from '../messages/outcome.ts';
import type { TrainingJob } from '../messages/training_job.ts';
import type { TrainingConfig } from '../training/config.ts';
import { type Recipe, runJob } from '../training/job.ts';
import type { TrainingPool } from '../training/pool.ts';
import type { CasesPort, Labelled, RegistryPort } from '../training/ports.ts';
import { trainerUrl } from '../training/trainer.ts';
import { connectKafka, createCluster, type KafkaSettings } from './kafka.ts';
import { LogReader, readerOptions } from './log_reader.ts';
import { LastOutcomes, readOutcome } from './outcome_records.ts';
import type { LogRecord } from './partition_reader.ts';
import type { ResolvedPlan } from './plan.ts';
import { readToEnd } from './read_to_end.ts';
import { isOtherVersion } from './record_format.ts';
import type { RunJob } from './stage_logic.ts';

export interface TrainingParts {
  kafka: KafkaSettings;
  registry: RegistryPort & { base(deployment_id: string): Promise<readonly Labelled[]> };
  pool: TrainingPool;
  log: Logger;
}

const BACKOFF_MS = { first: 500, most: 30_000 };

/** How a plan's jobs are run. What says nothing about the job (a thread that died, a full disk) is tried again. */
export function trainingJobs(parts: TrainingParts): (plan: ResolvedPlan) => RunJob {
  return (plan) => {
    const { training } = plan;
    const recipe: Recipe = {
      trainer_url: training ? trainerUrl(training.trainer) : '',
      config: training?.config as TrainingConfig,
    };
    const { registry, pool, log } = parts;
    const cases: CasesPort = {
      base: (job) => registry.base(job.deployment_id),
      outcomes: (job) => readOutcomes(plan, job, parts),
    };
    return (job) => answered(job, () => runJob(job, recipe, { cases, registry, pool }), log);
  };
}

/**
 * Repeats `attempt` until it says something about the job: its evaluation, or why there never is a candidate. Rejects
 * where the log is of another version of errata.
 */
export async function answered(
  job: TrainingJob,
  attempt: () => Promise<Evaluation>,
  log: Logger,
  first_backoff_ms = BACKOFF_MS.first,
): Promise<Evaluation> {
  for (let backoff_ms = first_backoff_ms; ; backoff_ms = Math.min(backoff_ms * 2, BACKOFF_MS.most)) {
    try {
      return await attempt();
    } catch (error) {
      if (isOtherVersion(error)) throw error;
      if (isAboutJob(error)) {
        log.error(
          { job: job.job_id, code: error.code, error: error.message },
          'training job has no candidate',
        );
        return withoutCandidate(job, error);
      }
      log.error({ job: job.job_id, error: errorMessage(error) }, 'training job failed, trying it again');
      await delay(backoff_ms);
    }
  }
}

/** What is stored, or the trainer, is broken: it is the same at the next attempt. */
function isAboutJob(error: unknown): error is ErrataError {
  return error instanceof ErrataError && /^E_(ARTEFACT|TRAINER)_/.test(error.code);
}

/** Not recorded as the job's answer: once what is broken is mended, the same job can still be trained. */
function withoutCandidate(job: TrainingJob, { code, message }: ErrataError): Evaluation {
  const { job_id, alert_id, topology, deployment_id, champion, window_end } = job;
  const identity = { job_id, alert_id, topology, deployment_id, champion, time: window_end };
  const failure = `${code}: ${message}`;
  return { ...identity, candidate: null, recent: null, older: null, failure, lineage: null };
}

/** As of the end of the job's window. What is no outcome would be none at the next attempt either: it is passed over. */
async function readOutcomes(plan: ResolvedPlan, job: TrainingJob, parts: TrainingParts): Promise<Outcome[]> {
  const topic = plan.training!.outcomes_topic;
  const last = new LastOutcomes(job.deployment_id, Date.parse(job.window_end));
  const take = (partition: number, record: LogRecord) => {
    try {
      const outcome = readOutcome(record);
      if (outcome) last.add(outcome);
    } catch (error) {
      if (isOtherVersion(error)) throw error;
      const at = { topic, partition, offset: record.offset };
      parts.log.error({ ...at, job: job.job_id, error: errorMessage(error) }, 'not trained on: no outcome');
    }
  };
  const cluster = createCluster(connectKafka(parts.kafka, parts.log), parts.kafka);
  const reader = new LogReader(cluster, readerOptions(parts.kafka), parts.log);
  try {
    const partitions = Array.from({ length: plan.partitions[topic]! }, (_, partition) => partition);
    await Promise.all(
      partitions.map((partition) => readToEnd(reader, topic, partition, (record) => take(partition, record))),
    );
  } finally {
    await reader.stop();
    await cluster.disconnect();
  }
  return last.all();
}
