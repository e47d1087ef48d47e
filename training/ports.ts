/** What training needs from outside. The engine fills these; tests fill them with arrays and maps. */
import type { Evaluation, Lineage } from '../messages/evaluation.ts';
import type { Outcome } from '../messages/outcome.ts';
import type { TrainingJob } from '../messages/training_job.ts';

/** A case whose right answer is known, from before the model was deployed. */
export interface Labelled {
  id: string;
  time_ms: number;
  input: unknown;
  answer: unknown;
}

export interface CasesPort {
  /** The base data set of the deployment; empty where there is none. */
  base(job: TrainingJob): Promise<readonly Labelled[]>;
  /** The last outcome per prediction with `time_ms` ≤ the job's window_end, of the job's deployment. Any order. */
  outcomes(job: TrainingJob): Promise<readonly Outcome[]>;
}

export interface Artefact {
  /** First 12 hex digits of `hash`. */
  model_version: string;
  /** SHA-256 of `bytes`, hex. */
  hash: string;
  bytes: Uint8Array;
  lineage: Lineage;
}

/** Where artefacts and the answers to jobs are kept; deploy/registry.ts is one. */
export interface RegistryPort {
  /** Stores an artefact and returns its model_version. The same bytes again are the same version. */
  put(bytes: Uint8Array, lineage: Lineage): Promise<string>;
  /** Throws E_ARTEFACT_MISSING or E_ARTEFACT_CORRUPT. */
  get(model_version: string): Promise<Artefact>;
  /** What a job was answered with, if it was. */
  answer(job_id: string): Promise<Evaluation | null>;
  recordAnswer(evaluation: Evaluation): Promise<void>;
}
