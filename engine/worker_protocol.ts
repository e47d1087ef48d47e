/** What the supervisor and a worker say to each other over their port. */
import type { Evaluation } from '../messages/evaluation.ts';
import type { TrainingJob } from '../messages/training_job.ts';
import type { Emission } from './actor_stage.ts';
import type { KafkaSettings } from './kafka.ts';
import type { ResolvedPlan } from './plan.ts';
import type { TaskStatus } from './task.ts';

export interface WorkerInit {
  plan: ResolvedPlan;
  kafka: KafkaSettings;
  worker: string;
  process_id: string;
  admin: string | null;
  paused_sources: string[];
  log_level: string;
}

/** How a worker ended by itself. A thread that dies says nothing. */
export type WorkerEnd =
  | { type: 'stopped' }
  | { type: 'failed'; code: string | null; message: string; hint?: string | undefined };

export type ToWorker =
  | { type: 'pause'; sources: string[] }
  | { type: 'stop' }
  | { type: 'job_done'; id: number; evaluation: Evaluation }
  | { type: 'job_failed'; id: number; message: string };

export type FromWorker =
  | { type: 'joined'; member_id: string }
  | { type: 'status'; tasks: TaskStatus[] }
  | { type: 'emissions'; emissions: Emission[] }
  | { type: 'run_job'; id: number; job: TrainingJob };
