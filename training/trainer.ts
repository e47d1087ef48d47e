/**
 * The contract of a trainer: what a module named under `trainer:` in a topology must export as its default.
 *
 * 1. `train` is a function of its examples, in their order, and of `context`: the same call gives the same bytes.
 * 2. `load` gives a model that answers alike wherever the same bytes are loaded.
 * 3. A trainer throws where it cannot train (too few examples, one class only); it never returns a stand-in.
 */
import { isAbsolute, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { ErrataError, errorMessage } from '../messages/errata_error.ts';

/** One case to learn from. */
export interface Example {
  id: string;
  /** Event time of the prediction it stems from. */
  time_ms: number;
  input: unknown;
  /** The answer that is taken for right. */
  answer: unknown;
  /** How much it counts, > 0; 1 is what somebody said. */
  weight: number;
}

export interface TrainContext {
  seed: number;
  /** The two answers of a binary model, where the topology names them. */
  answers?: readonly [unknown, unknown];
  /** `options:` from the topology; the trainer checks them. */
  options: Record<string, unknown>;
}

export interface Answer {
  output: unknown;
  /** Confidence in `output`, in [0, 1]. */
  score: number;
}

export interface Model {
  predict(input: unknown): Answer | Promise<Answer>;
  /** Frees what the model holds; called when no request uses it any more. */
  dispose?(): void;
}

export interface Trainer {
  name: string;
  /** The artefact: everything `load` needs. */
  train(examples: readonly Example[], context: TrainContext): Promise<Uint8Array>;
  load(bytes: Uint8Array): Promise<Model>;
}

/** The listing of trainers/ is the catalogue. */
const BUILT_IN: Record<string, string> = {
  text_logistic: new URL('./trainers/text_logistic.ts', import.meta.url).href,
};

export const builtInTrainers: readonly string[] = Object.keys(BUILT_IN);

/**
 * The URL of the module that `trainer` names: a built-in one, or a file, absolute or relative to `base_dir`.
 * Throws E_TRAINER_UNKNOWN for a name that is neither.
 */
export function trainerUrl(trainer: string, base_dir = process.cwd()): string {
  const built_in = Object.hasOwn(BUILT_IN, trainer) ? BUILT_IN[trainer] : undefined;
  if (built_in) return built_in;
  if (/^\.{1,2}[/\\]/.test(trainer) || isAbsolute(trainer))
    return pathToFileURL(resolve(base_dir, trainer)).href;
  throw new ErrataError('E_TRAINER_UNKNOWN', `there is no trainer "${trainer}"`, {
    hint: `built in: ${builtInTrainers.join(', ')}; a module of your own begins with ./ or /`,
  });
}

/** The module at `url`. Throws E_TRAINER_INVALID where it cannot be imported or breaks the contract. */
export async function loadTrainer(url: string): Promise<Trainer> {
  const module = await importModule(url);
  const trainer = module.default;
  if (!isTrainer(trainer)) {
    throw new ErrataError('E_TRAINER_INVALID', `${fileURLToPath(url)} exports no trainer by default`, {
      hint: 'export default { name, train(examples, context), load(bytes) }',
    });
  }
  return trainer;
}

async function importModule(url: string): Promise<{ default?: unknown }> {
  try {
    return (await import(url)) as { default?: unknown };
  } catch (cause) {
    throw new ErrataError('E_TRAINER_INVALID', `${fileURLToPath(url)}: ${errorMessage(cause)}`, { cause });
  }
}

function isTrainer(value: unknown): value is Trainer {
  if (typeof value !== 'object' || value === null) return false;
  const { name, train, load } = value as Record<string, unknown>;
  return typeof name === 'string' && typeof train === 'function' && typeof load === 'function';
}
