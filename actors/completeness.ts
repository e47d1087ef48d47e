/**
 * How much of what people may say about a window's predictions can have been said: the share of the predictions made
 * in it for which the watermark has passed their time and `feedback_horizon`. Predictions are counted by steps of
 * time; a step counts as a whole, once all of it has passed. So the share is never too high, too low by at most the
 * predictions of one step, and exact before the first horizon and after the last.
 */
import { addCount } from './counts.ts';
import type { WindowKind } from './window_kind.ts';

/** Step of time → predictions that can be joined. */
export type PredictionCounts = Record<string, number>;

const STEPS_PER_WINDOW = 20;

export function stepOf(kind: WindowKind): number {
  return kind.type === 'session' ? kind.slice_ms : Math.max(1, Math.floor(kind.size_ms / STEPS_PER_WINDOW));
}

export function addPrediction(to: PredictionCounts, time_ms: number, step_ms: number, weight: number): void {
  addCount(to, Math.floor(time_ms / step_ms), weight);
}

/** Those up to `passed_ms`, the watermark less the horizon; 1 where there is no prediction to wait for. */
export function completenessOf(
  predictions: PredictionCounts,
  { step_ms, end_ms, passed_ms }: { step_ms: number; end_ms: number; passed_ms: number },
): number {
  let all = 0;
  let passed = 0;
  for (const [step, count] of Object.entries(predictions)) {
    all += count;
    if (Math.min((Number(step) + 1) * step_ms, end_ms) <= passed_ms) passed += count;
  }
  return all === 0 ? 1 : passed / all;
}
