/** What every contender must find in the windows, by brute force: all values are kept and sorted. */
import { type Answers, windowStart } from '../job.ts';
import type { MadeEvent } from './events.ts';

export interface WindowAnswer {
  count: number;
  error_rate: number;
  mean: number;
  variance: number;
  p95: number;
}

export function windowKey(window_start_ms: number, deployment_id: string): string {
  return `${window_start_ms}|${deployment_id}`;
}

export class WindowAnswers {
  readonly #windows = new Map<string, { bad: number; values: number[] }>();

  add({ deployment_id, time_ms, rating, time_to_action }: MadeEvent): void {
    const key = windowKey(windowStart(time_ms), deployment_id);
    const window = this.#windows.get(key) ?? { bad: 0, values: [] };
    if (window.values.length === 0) this.#windows.set(key, window);
    if (rating !== null && rating < 3) window.bad += 1;
    if (time_to_action > 30) window.bad += 1;
    window.values.push(time_to_action);
  }

  finish(): Answers<WindowAnswer> {
    return new Map([...this.#windows].map(([key, { bad, values }]) => [key, answerOf(bad, values)]));
  }
}

function answerOf(bad: number, values: number[]): WindowAnswer {
  const count = values.length;
  const mean = values.reduce((sum, value) => sum + value, 0) / count;
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / count;
  const sorted = Float64Array.from(values).sort();
  return { count, error_rate: bad / count, mean, variance, p95: sorted[Math.floor(0.95 * (count - 1))]! };
}
