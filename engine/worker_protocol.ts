/** What the supervisor and a worker say to each other over their port. */
import type { Evaluation } from '../messages/evaluation.ts';
import type { TrainingJob } from '../messages/training_job.ts';
import type { TaskId } from './assignment.ts';
import type { Told } from './emissions.ts';
import type { KafkaSettings } from './kafka.ts';
import type { ResolvedPlan } from './plan.ts';
import type { Suspicion } from './suspicion.ts';
import type { TaskStatus } from './task.ts';

export interface WorkerInit {
  plan: ResolvedPlan;
  kafka: KafkaSettings;
  worker: string;
  process_id: string;
  admin: string | null;
  paused_sources: string[];
  suspicions: [TaskId, Suspicion][];
  /** Of an InHand. */
  in_hand: SharedArrayBuffer;
  log_level: string;
  /** Address of the module of connectors (edge.ts); null: this process has none. */
  connectors: string | null;
}

/** How a worker ended by itself. A thread that dies says nothing. */
export type WorkerEnd =
  | { type: 'stopped' }
  | {
      type: 'failed';
      code: string | null;
      message: string;
      hint?: string | undefined;
      stack?: string | undefined;
    }
  /** It could not begin, or go on, for want of Kafka. */
  | { type: 'kafka_away'; message: string };

export type ToWorker =
  | { type: 'pause'; sources: string[] }
  | { type: 'stop' }
  | { type: 'suspicion'; task: TaskId; suspicion: Suspicion }
  | { type: 'job_done'; id: number; evaluation: Evaluation }
  | { type: 'job_failed'; id: number; message: string };

export type FromWorker =
  | { type: 'joined'; member_id: string }
  /** By interval, which is also how the supervisor knows that the thread is not stuck. */
  | { type: 'status'; thread_id: number; tasks: TaskStatus[] }
  | { type: 'cleared'; task: TaskId }
  | { type: 'emissions'; told: Told }
  | { type: 'run_job'; id: number; job: TrainingJob };
