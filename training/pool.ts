/** The training pool: threads of its own, so that training never delays messages. */
import { Piscina } from 'piscina';
import type { TrainResult, TrainTask } from './worker.ts';

export interface TrainingPool {
  /** Rejects only when the thread died; what the trainer throws is a result. */
  run(task: TrainTask): Promise<TrainResult>;
  close(): Promise<void>;
}

/** Threads start with the first job and end after `idle_ms` without one. */
export function openTrainingPool(options: { threads?: number; idle_ms?: number } = {}): TrainingPool {
  const piscina = new Piscina<TrainTask, TrainResult>({
    filename: new URL('./worker.ts', import.meta.url).href,
    minThreads: 0,
    maxThreads: options.threads ?? 1,
    idleTimeout: options.idle_ms ?? 30_000,
    atomics: 'disabled',
  });
  return {
    run: (task) => piscina.run(task),
    close: () => piscina.destroy(),
  };
}
