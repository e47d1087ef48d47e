/** Predictions joined with feedback, windows per deployment and version, judged by the published rule. */
import { isClose, type Job } from '../job.ts';
import { type Judgement, judgementKey, patternsText } from './answers.ts';

/** As errata writes it; the peers write the times in milliseconds. */
interface Assessment {
  window_start: string | number;
  deployment_id: string;
  model_version: string;
  total_events: number;
  error_rate: number;
  patterns: Record<string, number>;
  severity: string;
  recommended_action: string;
}

const FIELDS = ['count', 'patterns', 'severity', 'recommended_action'] as const;

export const pipelineJob: Job<Judgement> = {
  parse(json) {
    const value = JSON.parse(json) as Assessment;
    const { deployment_id, model_version, total_events, error_rate, patterns, severity } = value;
    const start_ms = new Date(value.window_start).getTime();
    return {
      key: judgementKey(start_ms, deployment_id, model_version),
      answer: {
        count: total_events,
        error_rate,
        patterns: patternsText(patterns),
        severity,
        recommended_action: value.recommended_action,
      },
    };
  },
  differences(expected, said) {
    const different: (keyof Judgement)[] = FIELDS.filter((field) => said[field] !== expected[field]);
    if (!isClose(said.error_rate, expected.error_rate, 1e-12)) different.push('error_rate');
    return different.map((field) => `${field} is ${said[field]}, should be ${expected[field]}`);
  },
};
