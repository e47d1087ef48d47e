/**
 * The published rule said directly over all records at once, for tests to hold the actors against. It shares no code
 * with them, knows no order of arrival, no watermark and no revision.
 */

interface RulePrediction {
  prediction_id?: string;
  timestamp: number | string;
  deployment_id: string;
  model_version: string;
  input_stats?: { mean: number; std: number };
}

interface RuleFeedback {
  prediction_id: string;
  timestamp: number | string;
  rating?: number | null;
  time_to_action?: number | null;
  deployment_id?: string;
  model_version?: string;
  input_stats?: { mean: number; std: number };
}

export interface PublishedWindow {
  total_events: number;
  error_rate: number;
  patterns: Record<string, number>;
  severity: 'low' | 'medium' | 'high';
  recommended_action: 'retrain_on_pattern' | 'monitor';
  fires: boolean;
}

interface RuleEvent {
  rating: number;
  time_to_action: number;
  pattern: string | undefined;
}

/**
 * `over: feedback`; timestamps in milliseconds. Keys are `{window_start ISO}|{deployment_id}|{model_version}`.
 * `wait_ms`: how far apart in event time a feedback and its prediction may be.
 */
export function byPublishedRule(
  predictions: readonly RulePrediction[],
  feedback: readonly RuleFeedback[],
  { size_ms, wait_ms }: { size_ms: number; wait_ms: number },
): Map<string, PublishedWindow> {
  const by_id = new Map(predictions.map((prediction) => [prediction.prediction_id, prediction]));
  const windows = new Map<string, RuleEvent[]>();
  for (const given of feedback) {
    const time_ms = Number(given.timestamp);
    const known = by_id.get(given.prediction_id);
    const about = known && Math.abs(Number(known.timestamp) - time_ms) <= wait_ms ? known : undefined;
    const start = new Date(time_ms - (time_ms % size_ms)).toISOString();
    const { deployment_id = 'unknown', model_version = 'unknown' } = about ?? given;
    const key = `${start}|${deployment_id}|${model_version}`;
    const stats = given.input_stats ?? about?.input_stats;
    const event = {
      rating: given.rating ?? 5,
      time_to_action: given.time_to_action ?? 0,
      pattern: stats && `mean_${Math.trunc(stats.mean)}_std_${Math.trunc(stats.std)}`,
    };
    windows.set(key, [...(windows.get(key) ?? []), event]);
  }
  return new Map([...windows].map(([key, events]) => [key, judged(events)]));
}

function judged(events: readonly RuleEvent[]): PublishedWindow {
  const low = events.filter(({ rating }) => rating < 3).length;
  const slow = events.filter(({ time_to_action }) => time_to_action > 30).length;
  const total_events = events.length;
  const error_rate = (low + slow) / total_events;
  const fires = error_rate > 0.3;
  const patterns = fires ? frequentPatterns(events) : {};
  const counts = Object.values(patterns);
  const share = Math.max(...counts) / counts.reduce((sum, count) => sum + count, 0);
  return {
    total_events,
    error_rate,
    patterns,
    severity: counts.length === 0 ? 'low' : share > 0.5 ? 'high' : share > 0.3 ? 'medium' : 'low',
    recommended_action: counts.length > 0 ? 'retrain_on_pattern' : 'monitor',
    fires,
  };
}

function frequentPatterns(events: readonly RuleEvent[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { pattern } of events) if (pattern !== undefined) counts[pattern] = (counts[pattern] ?? 0) + 1;
  return Object.fromEntries(Object.entries(counts).filter(([, count]) => count > 0.1 * events.length));
}
