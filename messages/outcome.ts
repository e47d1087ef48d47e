/**
 * What became of one prediction so far: emitted when the prediction arrives (verdict `null`: nobody has said
 * anything) and again whenever feedback changes the verdict. The last one per `prediction_id` is in force.
 * This is what data sets are built from.
 */
import type { Feedback } from './feedback.ts';
import type { Prediction } from './prediction.ts';

export interface Verdict {
  /** In [-1, 1]: -1 certainly wrong, 1 certainly right. */
  score: number;
  bad: boolean;
  /** Which feedback decided it. */
  by: Feedback['feedback_type'];
  user_id?: string;
  /** The feedback's event time. */
  time_ms: number;
  /** The right answer, where the person gave it. */
  label?: unknown;
}

export interface Outcome {
  prediction_id: string;
  /** Event time of the prediction. */
  prediction_time_ms: number;
  /** Event time of what this outcome reflects: the prediction's, or the deciding feedback's if later. */
  time_ms: number;
  prediction: Prediction;
  verdict: Verdict | null;
  previous: { verdict: Verdict | null } | null;
}
