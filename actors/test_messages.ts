/** Messages with defaults that suit most tests: an hour-long story in deployment `spam`, version `v1`. */
import type { Alert } from '../messages/assessment.ts';
import type { Comparison, Evaluation } from '../messages/evaluation.ts';
import type { Rollout } from '../messages/rollout.ts';
import type { WindowResult } from '../messages/window.ts';

const WINDOW_START = '2024-01-01T12:00:00.000Z';
const WINDOW_END = '2024-01-01T12:05:00.000Z';

export function windowResult(given: Partial<WindowResult> = {}): WindowResult {
  return {
    topology: 'test',
    window: 'stats',
    key: { deployment_id: 'spam', model_version: 'v1' },
    window_start: WINDOW_START,
    window_end: WINDOW_END,
    revision: 0,
    final: true,
    completeness: 1,
    total_events: 0,
    low_ratings: 0,
    slow_actions: 0,
    error_rate: 0,
    input_mean: { count: 0, mean: null, std: null },
    latency_ms: { count: 0, mean: null, std: null, p50: null, p95: null, p99: null },
    measures: {},
    pattern_counts: {},
    other_patterns: 0,
    ...given,
  };
}

export function alert(given: Partial<Alert> = {}): Alert {
  return {
    id: 'alert-1',
    kind: 'raise',
    topology: 'test',
    window: 'stats',
    deployment_id: 'spam',
    model_version: 'v1',
    revision: 0,
    window_start: WINDOW_START,
    window_end: WINDOW_END,
    total_events: 1001,
    error_rate: 0.31,
    patterns: { mean_0_std_0: 600, mean_1_std_0: 120 },
    severity: 'high',
    recommended_action: 'retrain_on_pattern',
    class: 'unknown',
    evidence: {},
    ...given,
  };
}

export function comparison(given: Partial<Comparison> = {}): Comparison {
  return {
    cases: 200,
    reports: 40,
    effective_cases: 150,
    champion_error: 0.3,
    candidate_error: 0.1,
    difference_se: 0.02,
    ...given,
  };
}

export function evaluation(given: Partial<Evaluation> = {}): Evaluation {
  return {
    job_id: 'job-1',
    alert_id: 'alert-1',
    topology: 'test',
    deployment_id: 'spam',
    candidate: 'v2',
    champion: 'v1',
    time: WINDOW_END,
    recent: comparison(),
    older: comparison(),
    failure: null,
    lineage: null,
    ...given,
  };
}

export function rolloutRecord(given: Partial<Rollout> = {}): Rollout {
  return {
    id: 'rollout-1',
    topology: 'test',
    deployment_id: 'spam',
    kind: 'promote',
    model_version: 'v2',
    previous: 'v1',
    reason: 'better',
    job_id: 'job-1',
    alert_id: 'alert-1',
    time: WINDOW_END,
    recent: null,
    older: null,
    ...given,
  };
}
