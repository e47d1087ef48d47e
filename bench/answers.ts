/** What every contender must find, by brute force: all values are kept and sorted. */
import type { MadeEvent } from './events.ts';

export interface Answer {
  count: number;
  error_rate: number;
  mean: number;
  variance: number;
  p95: number;
}

/** By `{window_start_ms}|{deployment_id}`. */
export type Answers = Map<string, Answer>;

export const WINDOW_MS = 300_000;

export function answerKey(window_start_ms: number, deployment_id: string): string {
  return `${window_start_ms}|${deployment_id}`;
}

export class AnswersMaker {
  readonly #windows = new Map<string, { bad: number; values: number[] }>();

  add({ deployment_id, time_ms, rating, time_to_action }: MadeEvent): void {
    const key = answerKey(time_ms - (time_ms % WINDOW_MS), deployment_id);
    const window = this.#windows.get(key) ?? { bad: 0, values: [] };
    if (window.values.length === 0) this.#windows.set(key, window);
    if (rating !== null && rating < 3) window.bad += 1;
    if (time_to_action > 30) window.bad += 1;
    window.values.push(time_to_action);
  }

  finish(): Answers {
    return new Map([...this.#windows].map(([key, { bad, values }]) => [key, answerOf(bad, values)]));
  }
}

function answerOf(bad: number, values: number[]): Answer {
  const count = values.length;
  const mean = values.reduce((sum, value) => sum + value, 0) / count;
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / count;
  const sorted = Float64Array.from(values).sort();
  return { count, error_rate: bad / count, mean, variance, p95: sorted[Math.floor(0.95 * (count - 1))]! };
}
