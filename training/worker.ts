/** What a thread of the training pool runs: trains a candidate and compares it with the champion. */
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

export interface TrainResult {
  /** The candidate's artefact. */
  bytes: Uint8Array;
  recent: Comparison | null;
  older: Comparison | null;
}

export default async function runTrainTask(task: TrainTask): Promise<TrainResult> {
  const trainer = await loadTrainer(task.trainer_url);
  const bytes = await trainer.train(task.examples, task.context);
  if (!task.champion) return { bytes, recent: null, older: null };
  const candidate = await trainer.load(bytes);
  const champion = await trainer.load(task.champion);
  const recent = await compare(candidate, champion, task.recent);
  const older = await compare(candidate, champion, task.older);
  candidate.dispose?.();
  champion.dispose?.();
  return { bytes, recent, older };
}
