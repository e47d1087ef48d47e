/**
 * What capture keeps, all of it in JSON and under these keys:
 * `p|{prediction_id}` a prediction; `f|{n}|{prediction_id}` the n-th feedback that waits for its prediction;
 * `n|{prediction_id}` how many of those there are; `e|{prediction_id}|{event_id}` (the ids as a JSON array) an event
 * that was seen.
 */
import type { Event } from '../messages/event.ts';
import type { Verdict } from '../messages/outcome.ts';
import type { Prediction } from '../messages/prediction.ts';
import type { Context, State } from './actor.ts';
import type { Said } from './scoring.ts';

export interface KnownPrediction {
  source: string;
  expires_ms: number;
  time_ms: number;
  /** What windows need of it. */
  event: Event;
  has_feedback: boolean;
  /** Both only with `outcomes: true`. */
  prediction?: Prediction;
  verdict?: Verdict;
}

export interface WaitingFeedback {
  source: string;
  expires_ms: number;
  /** As it was emitted, to be taken back. */
  event: Event;
  /** Only with `outcomes: true`. */
  said?: Said;
}

/** Of one prediction id: where the next one goes, and how many still wait. */
interface Queue {
  next: number;
  waiting: number;
}

export function predictionKey(prediction_id: string): string {
  return `p|${prediction_id}`;
}

/** Queues feedback for a prediction that has not come. Costs the same however many wait. */
export function enqueue(prediction_id: string, feedback: WaitingFeedback, context: Context): void {
  const { next, waiting } = context.state.get<Queue>(`n|${prediction_id}`) ?? { next: 0, waiting: 0 };
  const key = `f|${next}|${prediction_id}`;
  context.state.set(key, feedback);
  context.state.set<Queue>(`n|${prediction_id}`, { next: next + 1, waiting: waiting + 1 });
  context.setTimer(feedback.expires_ms, key);
}

/** Takes those out of the queue for which `isWanted` holds. */
export function dequeue(
  prediction_id: string,
  state: State,
  isWanted: (feedback: WaitingFeedback) => boolean,
): WaitingFeedback[] {
  const queue = state.get<Queue>(`n|${prediction_id}`);
  const taken: WaitingFeedback[] = [];
  for (let index = 0; index < (queue?.next ?? 0); index++) {
    const key = `f|${index}|${prediction_id}`;
    const feedback = state.get<WaitingFeedback>(key);
    if (!feedback || !isWanted(feedback)) continue;
    taken.push(feedback);
    state.delete(key);
  }
  leaveQueue(prediction_id, taken.length, state);
  return taken;
}

function leaveQueue(prediction_id: string, count: number, state: State): void {
  const queue = state.get<Queue>(`n|${prediction_id}`);
  if (!queue || count === 0) return;
  if (queue.waiting <= count) state.delete(`n|${prediction_id}`);
  else state.set<Queue>(`n|${prediction_id}`, { ...queue, waiting: queue.waiting - count });
}

/** True the first time; remembers the event until `expires_ms`. */
export function isFirst(
  ids: [prediction_id: string, event_id: string],
  expires_ms: number,
  context: Context,
): boolean {
  const key = `e|${JSON.stringify(ids)}`;
  if (context.state.get<number>(key) !== undefined) return false;
  context.state.set(key, expires_ms);
  context.setTimer(expires_ms, key);
  return true;
}

/** Drops what a timer is about, and returns it where the ledger has to hear of it. A stale timer drops nothing. */
export function dropExpired(
  key: string,
  time_ms: number,
  state: State,
): KnownPrediction | WaitingFeedback | undefined {
  const entry = state.get<KnownPrediction | WaitingFeedback | number>(key);
  const expires_ms = typeof entry === 'object' ? entry.expires_ms : entry;
  if (entry === undefined || expires_ms !== time_ms) return undefined;
  state.delete(key);
  if (key.startsWith('f|')) leaveQueue(key.slice(key.indexOf('|', 2) + 1), 1, state);
  return typeof entry === 'object' ? entry : undefined;
}
