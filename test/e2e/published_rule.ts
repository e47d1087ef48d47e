/**
 * What the published rule says of each window, straight from its text: a table of all messages in memory, no order of
 * arrival, no watermark, no revision. Shares no code with what it judges.
 */
import type { MadeFeedback, MadePrediction } from './made_input.ts';

export interface RuledWindow {
  total_events: number;
  error_rate: number;
  patterns: Record<string, number>;
  severity: string;
  recommended_action: string;
}

const WINDOW_MS = 300_000;
const WAIT_MS = 24 * 3_600_000;

/** `{deployment}/{version}/{window start, ISO}`. */
export function windowId(deployment_id: string, model_version: string, start: number | string): string {
  return `${deployment_id}/${model_version}/${new Date(start).toISOString()}`;
}

/** Windows without events are absent. A feedback whose id and `event_id` were there before is not an event. */
export function ruledWindows(
  predictions: Iterable<MadePrediction>,
  feedback: Iterable<MadeFeedback>,
): Map<string, RuledWindow> {
  const predicted = new Map<string, MadePrediction>();
  for (const { at_ms, body } of predictions)
    if (!predicted.has(body.prediction_id)) predicted.set(body.prediction_id, { at_ms, body });
  const seen = new Set<string>();
  const windows = new Map<string, MadeFeedback['body'][]>();
  for (const { at_ms, body } of feedback) {
    if (body.event_id !== undefined) {
      const once = `${body.prediction_id} ${body.event_id}`;
      if (seen.has(once)) continue;
      seen.add(once);
    }
    const found = predicted.get(body.prediction_id);
    const about = found && Math.abs(found.at_ms - at_ms) <= WAIT_MS ? found.body : undefined;
    const deployment = about?.deployment_id ?? body.deployment_id ?? 'unknown';
    const version = about?.model_version ?? body.model_version ?? 'unknown';
    const id = windowId(deployment, version, Math.floor(at_ms / WINDOW_MS) * WINDOW_MS);
    const input_stats = body.input_stats ?? about?.input_stats;
    const event = input_stats ? { ...body, input_stats } : body;
    const events = windows.get(id);
    if (events) events.push(event);
    else windows.set(id, [event]);
  }
  return new Map([...windows].map(([id, events]) => [id, ruled(events)]));
}

function ruled(events: MadeFeedback['body'][]): RuledWindow {
  let errors = 0;
  const counts = new Map<string, number>();
  for (const { rating, time_to_action, input_stats } of events) {
    if ((rating ?? 5) < 3) errors++;
    if ((time_to_action ?? 0) > 30) errors++;
    if (!input_stats) continue;
    const pattern = `mean_${Math.trunc(input_stats.mean)}_std_${Math.trunc(input_stats.std)}`;
    counts.set(pattern, (counts.get(pattern) ?? 0) + 1);
  }
  const total_events = events.length;
  const error_rate = errors / total_events;
  if (!(error_rate > 0.3)) counts.clear();
  for (const [pattern, count] of counts) if (!(count > 0.1 * total_events)) counts.delete(pattern);
  const sum = [...counts.values()].reduce((a, b) => a + b, 0);
  const share = Math.max(0, ...counts.values()) / sum;
  return {
    total_events,
    error_rate,
    patterns: Object.fromEntries(counts),
    severity: share > 0.5 ? 'high' : share > 0.3 ? 'medium' : 'low',
    recommended_action: counts.size > 0 ? 'retrain_on_pattern' : 'monitor',
  };
}
