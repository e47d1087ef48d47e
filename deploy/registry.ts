/**
 * Model artefacts addressed by the SHA-256 of their content, each with its lineage beside it, and the answers to
 * training jobs.
 *
 *     artefacts/{sha256}.bin    what the trainer made
 *     artefacts/{sha256}.json   its lineage; written after the bytes, so an artefact with lineage is complete
 *     jobs/{sha256 of job id}.json   the evaluation with which the job was answered
 *     base/{sha256 of deployment}.json   what its first model was trained on
 */
import { createHash } from 'node:crypto';
import { ErrataError, errorMessage } from '../messages/errata_error.ts';
import type { Evaluation, Lineage } from '../messages/evaluation.ts';
import type { Artefact, Labelled, RegistryPort } from '../training/ports.ts';
import { type Blobs, DiskBlobs } from './blobs.ts';

const VERSION_DIGITS = 12;
const FORMAT = 1;

interface LineageFile {
  format: typeof FORMAT;
  model_version: string;
  sha256: string;
  size_bytes: number;
  lineage: Lineage;
}

/** What `list` tells of an artefact. */
export type ArtefactSummary = Omit<Artefact, 'bytes'> & { size_bytes: number };

export class Registry implements RegistryPort {
  readonly #blobs: Blobs;

  constructor(blobs: Blobs) {
    this.#blobs = blobs;
  }

  /** The first lineage of an artefact stays: later jobs that arrive at the same bytes found nothing new. */
  async put(bytes: Uint8Array, lineage: Lineage): Promise<string> {
    const hash = sha256(bytes);
    const model_version = hash.slice(0, VERSION_DIGITS);
    const known = await this.#blobs.read(artefactName(hash));
    if (!known || sha256(known) !== hash) await this.#blobs.write(artefactName(hash), bytes);
    if (!(await this.#blobs.read(lineageName(hash)))) {
      const file: LineageFile = {
        format: FORMAT,
        model_version,
        sha256: hash,
        size_bytes: bytes.byteLength,
        lineage,
      };
      await this.#writeJson(lineageName(hash), file);
    }
    return model_version;
  }

  async get(model_version: string): Promise<Artefact> {
    const { hash, lineage } = await this.#summary(await this.#findLineage(model_version));
    const bytes = await this.#blobs.read(artefactName(hash));
    if (!bytes) throw missing(model_version);
    if (sha256(bytes) !== hash) throw corrupt(artefactName(hash), 'its content does not have its hash');
    return { model_version: hash.slice(0, VERSION_DIGITS), hash, bytes, lineage };
  }

  /** All complete artefacts, by hash. */
  async list(): Promise<ArtefactSummary[]> {
    const names = await this.#blobs.list('artefacts/');
    return Promise.all(names.filter((name) => name.endsWith('.json')).map((name) => this.#summary(name)));
  }

  async answer(job_id: string): Promise<Evaluation | null> {
    return this.#readJson<Evaluation>(answerName(job_id));
  }

  async recordAnswer(evaluation: Evaluation): Promise<void> {
    await this.#writeJson(answerName(evaluation.job_id), evaluation);
  }

  /** The data set that a deployment's first model was trained on; later trainings build on it. */
  async putBase(deployment_id: string, base: readonly Labelled[]): Promise<void> {
    await this.#writeJson(baseName(deployment_id), base);
  }

  /** Empty where none was put. */
  async base(deployment_id: string): Promise<readonly Labelled[]> {
    return (await this.#readJson<Labelled[]>(baseName(deployment_id))) ?? [];
  }

  /** A version is the start of a hash; the whole hash is accepted too. */
  async #findLineage(model_version: string): Promise<string> {
    if (!/^[0-9a-f]{12,64}$/.test(model_version)) throw missing(model_version);
    const names = await this.#blobs.list('artefacts/');
    const found = names.filter(
      (name) => name.startsWith(`artefacts/${model_version}`) && name.endsWith('.json'),
    );
    if (found.length > 1) {
      throw new ErrataError(
        'E_ARTEFACT_AMBIGUOUS',
        `${model_version} is the start of ${found.length} artefacts`,
      );
    }
    if (!found[0]) throw missing(model_version);
    return found[0];
  }

  async #summary(name: string): Promise<ArtefactSummary> {
    const file = await this.#readJson<LineageFile>(name);
    if (!file) throw missing(name);
    if (file.format !== FORMAT) {
      throw new ErrataError(
        'E_ARTEFACT_FORMAT',
        `${name} has format ${file.format}, this version reads ${FORMAT}`,
      );
    }
    if (lineageName(file.sha256) !== name) throw corrupt(name, 'it names another artefact');
    const { model_version, sha256: hash, size_bytes, lineage } = file;
    return { model_version, hash, size_bytes, lineage };
  }

  async #readJson<Value>(name: string): Promise<Value | null> {
    const bytes = await this.#blobs.read(name);
    if (!bytes) return null;
    try {
      return JSON.parse(Buffer.from(bytes).toString('utf8')) as Value;
    } catch (cause) {
      throw corrupt(name, errorMessage(cause));
    }
  }

  #writeJson(name: string, value: object): Promise<void> {
    return this.#blobs.write(name, Buffer.from(`${JSON.stringify(value, null, 2)}\n`));
  }
}

/** A registry in a directory, which is made when something is first written. */
export function openRegistry(dir: string): Registry {
  return new Registry(new DiskBlobs(dir));
}

/** The version under which a registry knows these bytes. */
export function modelVersion(bytes: Uint8Array): string {
  return sha256(bytes).slice(0, VERSION_DIGITS);
}

function sha256(content: Uint8Array | string): string {
  return createHash('sha256').update(content).digest('hex');
}

function artefactName(hash: string): string {
  return `artefacts/${hash}.bin`;
}

function lineageName(hash: string): string {
  return `artefacts/${hash}.json`;
}

/** Job ids may hold anything; file names may not. */
function answerName(job_id: string): string {
  return `jobs/${sha256(job_id)}.json`;
}

function baseName(deployment_id: string): string {
  return `base/${sha256(deployment_id)}.json`;
}

function missing(model_version: string): ErrataError {
  return new ErrataError('E_ARTEFACT_MISSING', `the registry has no artefact ${model_version}`);
}

function corrupt(name: string, why: string): ErrataError {
  return new ErrataError('E_ARTEFACT_CORRUPT', `${name}: ${why}`, {
    hint: 'restore it from a copy, or train again',
  });
}
