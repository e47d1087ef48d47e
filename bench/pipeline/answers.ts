/** The published rule over all feedback at once, each under its prediction; shares no code with the actors. */
import { type Answers, windowStart } from '../job.ts';
import type { MadeFeedback } from './events.ts';

export interface Judgement {
  count: number;
  error_rate: number;
  /** The kept keys and their counts as JSON, sorted by key. */
  patterns: string;
  severity: string;
  recommended_action: string;
}

export function judgementKey(window_start_ms: number, deployment_id: string, model_version: string): string {
  return `${window_start_ms}|${deployment_id}|${model_version}`;
}

export function patternsText(patterns: Record<string, number>): string {
  return JSON.stringify(Object.entries(patterns).sort(([a], [b]) => (a < b ? -1 : 1)));
}

interface Window {
  events: number;
  bad: number;
  patterns: Map<string, number>;
}

export class PipelineAnswers {
  readonly #windows = new Map<string, Window>();

  add({ about, time_ms, rating, time_to_action }: MadeFeedback): void {
    const key = judgementKey(windowStart(time_ms), about.deployment_id, about.model_version);
    const window = this.#windows.get(key) ?? { events: 0, bad: 0, patterns: new Map() };
    if (window.events === 0) this.#windows.set(key, window);
    window.events += 1;
    if (rating !== null && rating < 3) window.bad += 1;
    if (time_to_action > 30) window.bad += 1;
    const pattern = `mean_${Math.trunc(about.mean)}_std_${Math.trunc(about.std)}`;
    window.patterns.set(pattern, (window.patterns.get(pattern) ?? 0) + 1);
  }

  finish(): Answers<Judgement> {
    return new Map([...this.#windows].map(([key, window]) => [key, judge(window)]));
  }
}

function judge({ events, bad, patterns }: Window): Judgement {
  const error_rate = bad / events;
  const kept = error_rate > 0.3 ? [...patterns].filter(([, count]) => count > 0.1 * events) : [];
  const counts = kept.map(([, count]) => count);
  const share = Math.max(...counts) / counts.reduce((sum, count) => sum + count, 0);
  return {
    count: events,
    error_rate,
    patterns: patternsText(Object.fromEntries(kept)),
    severity: kept.length === 0 ? 'low' : share > 0.5 ? 'high' : share > 0.3 ? 'medium' : 'low',
    recommended_action: kept.length > 0 ? 'retrain_on_pattern' : 'monitor',
  };
}
