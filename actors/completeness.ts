/**
 * How much of what people may say about a window's predictions can have been said: the share of the predictions made
 * in it for which the watermark has passed their time and `feedback_horizon`. Predictions are counted by steps of
 * time; a step counts as a whole, once all of it has passed. So the share is never too high, too low by at most the
 * predictions of one step, and exact before the first horizon and after the last.
 */
import { addCount, type Counts, forEachCount } from './counts.ts';
import type { WindowKind } from './window_kind.ts';

/** Step of time → predictions that can be joined. */
export type PredictionCounts = Record<string, number>;

const STEPS_PER_WINDOW = 20;

export function stepOf(kind: WindowKind): number {
  return kind.type === 'session' ? kind.slice_ms : Math.max(1, Math.floor(kind.size_ms / STEPS_PER_WINDOW));
}

/**
 * By which number steps are counted in what begins at `start_ms`: from there on, so that the numbers are small; those of a
 * session, whose beginning may still move, from 1970 on.
 */
export function firstStep(kind: WindowKind, start_ms: number): number {
  return kind.type === 'session' ? 0 : Math.floor(start_ms / stepOf(kind));
}

export function addPrediction(
  to: PredictionCounts,
  { time_ms, step_ms, first_step }: { time_ms: number; step_ms: number; first_step: number },
  weight: number,
): void {
  addCount(to, Math.floor(time_ms / step_ms) - first_step, weight);
}

/** `shift`: what a step of `from` is later in `to`. */
export function mergePredictions(to: PredictionCounts, from: Counts, shift: number): void {
  forEachCount(from, (step, count) => addCount(to, Number(step) + shift, count));
}

/** Those up to `passed_ms`, the watermark less the horizon; 1 where there is no prediction to wait for. */
export function completenessOf(
  predictions: PredictionCounts,
  {
    step_ms,
    first_step,
    end_ms,
    passed_ms,
  }: { step_ms: number; first_step: number; end_ms: number; passed_ms: number },
): number {
  let all = 0;
  let passed = 0;
  for (const [step, count] of Object.entries(predictions)) {
    all += count;
    if (Math.min((first_step + Number(step) + 1) * step_ms, end_ms) <= passed_ms) passed += count;
  }
  return all === 0 ? 1 : passed / all;
}
