/**
 * The unit that windows count. One per feedback message (and, with `over: all`, one per prediction), emitted at
 * once; when its prediction arrives later it is retracted and emitted again under the prediction's key.
 */
import type { InputStats } from './prediction.ts';

export interface Event {
  /** `retract` takes back an `add` that was equal in all other fields. */
  op: 'add' | 'retract';
  origin: 'feedback' | 'prediction';
  /** Event time: the feedback's own, or the prediction's for `origin: prediction`. */
  time_ms: number;
  deployment_id: string;
  model_version: string;
  rating?: number;
  /** Seconds. */
  time_to_action?: number;
  input_stats?: InputStats;
  latency_ms?: number;
  server_load?: number;
  /** A prediction that feedback can be joined to. */
  is_joinable?: true;
}

/** Where a feedback counts whose prediction is not known and that names none itself. */
export const UNKNOWN = 'unknown';
