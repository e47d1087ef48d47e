/** Results as contenders write them, in one shape. A later record on a window replaces the earlier ones. */
import { type Answer, answerKey } from './answers.ts';

export interface Result extends Answer {
  key: string;
}

interface PeerResult extends Answer {
  deployment_id: string;
  window_start: number;
}

interface ErrataResult {
  key: { deployment_id: string };
  window_start: string;
  total_events: number;
  error_rate: number;
  measures?: { time_to_action?: { mean: number; std: number; variance?: number; p95: number } };
}

export function parseResult(json: string): Result {
  const value = JSON.parse(json) as PeerResult | ErrataResult;
  return 'measures' in value || 'total_events' in value ? ofErrata(value) : ofPeer(value);
}

function ofPeer({ deployment_id, window_start, count, error_rate, mean, variance, p95 }: PeerResult): Result {
  return { key: answerKey(window_start, deployment_id), count, error_rate, mean, variance, p95 };
}

function ofErrata({ key, window_start, total_events, error_rate, measures }: ErrataResult): Result {
  const { mean = NaN, std = NaN, variance = std ** 2, p95 = NaN } = measures?.time_to_action ?? {};
  return {
    key: answerKey(Date.parse(window_start), key.deployment_id),
    count: total_events,
    error_rate,
    mean,
    variance,
    p95,
  };
}
