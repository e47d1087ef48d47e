/** What a thread of the training pool runs: trains a candidate and compares it with the champion. */
import { ErrataError, errorMessage } from '../messages/errata_error.ts';
import type { Comparison } from '../messages/evaluation.ts';
import { type Case, compare } from './evaluation.ts';
import { type Example, loadTrainer, type TrainContext } from './trainer.ts';

export interface TrainTask {
  trainer_url: string;
  context: TrainContext;
  examples: readonly Example[];
  /** Artefact of the same trainer; absent for a first model, which has nobody to beat. */
  champion?: Uint8Array;
  recent: readonly Case[];
  older: readonly Case[];
}

/** Errors lose their code between threads, so what went wrong with the candidate is a result too. */
export type TrainResult =
  | {
      kind: 'trained';
      /** The candidate's artefact. */
      bytes: Uint8Array;
      recent: Comparison | null;
      older: Comparison | null;
    }
  | { kind: 'failed'; code: string; message: string };

/** Never rejects: whatever the trainer's module throws is its failure. */
export default async function runTrainTask(task: TrainTask): Promise<TrainResult> {
  try {
    return await train(task);
  } catch (error) {
    const code = error instanceof ErrataError ? error.code : 'E_TRAINER_FAILED';
    return { kind: 'failed', code, message: errorMessage(error) };
  }
}

async function train(task: TrainTask): Promise<TrainResult> {
  const trainer = await loadTrainer(task.trainer_url);
  const bytes = await trainer.train(task.examples, task.context);
  if (!task.champion) return { kind: 'trained', bytes, recent: null, older: null };
  const candidate = await trainer.load(bytes);
  const champion = await trainer.load(task.champion);
  const recent = await compare(candidate, champion, task.recent);
  const older = await compare(candidate, champion, task.older);
  candidate.dispose?.();
  champion.dispose?.();
  return { kind: 'trained', bytes, recent, older };
}
