/**
 * What capture keeps, all of it in JSON, each entry until it expires, under these keys:
 * `p|{prediction_id}` a prediction; `f|{n}|{prediction_id}` the n-th feedback that waits for its prediction;
 * `n|{prediction_id}` how many have waited, where it was more than one; `e|{prediction_id}|{event_id}` (the ids as a
 * JSON array) an event that was seen.
 */
import type { Event } from '../messages/event.ts';
import type { Verdict } from '../messages/outcome.ts';
import type { Prediction } from '../messages/prediction.ts';
import type { Expiring, ExpiringState } from './actor.ts';
import type { Said } from './scoring.ts';

/** What feedback takes over from its prediction. */
export type Predicted = Pick<
  Event,
  'deployment_id' | 'model_version' | 'input_stats' | 'latency_ms' | 'server_load'
>;

export interface KnownPrediction extends Expiring {
  source: string;
  time_ms: number;
  predicted: Predicted;
  /** Set with the first feedback. */
  has_feedback?: true;
  /** Event ids of feedback that was joined: the first few; those that follow have entries of their own. */
  seen?: string[];
  /** Both only with `outcomes: true`. */
  prediction?: Prediction;
  verdict?: Verdict;
}

export interface WaitingFeedback extends Expiring {
  source: string;
  /** As it was emitted, to be taken back. */
  event: Event;
  /** Only with `outcomes: true`. */
  said?: Said;
}

/** Of one prediction id: where the next feedback goes. It expires with the last that waits. */
interface Queue extends Expiring {
  next: number;
}

export const SEEN_MAX = 8;

export const PREDICTION_PREFIX = 'p|';
export const WAITING_PREFIX = 'f|';
export const QUEUE_PREFIX = 'n|';
export const EVENT_PREFIX = 'e|';

export function predictionKey(prediction_id: string): string {
  return `${PREDICTION_PREFIX}${prediction_id}`;
}

/** Queues feedback for a prediction that has not come. Costs the same however many wait. */
export function enqueue(prediction_id: string, feedback: WaitingFeedback, state: ExpiringState): void {
  const queue = queueOf(prediction_id, state);
  const next = queue?.next ?? 0;
  state.set(`${WAITING_PREFIX}${next}|${prediction_id}`, feedback);
  if (!queue) return;
  const expires_ms = Math.max(queue.expires_ms, feedback.expires_ms);
  state.set<Queue>(`${QUEUE_PREFIX}${prediction_id}`, { expires_ms, next: next + 1 });
}

/** The first that waits has no queue of its own. */
function queueOf(prediction_id: string, state: ExpiringState): Queue | undefined {
  const queue = state.get<Queue>(`${QUEUE_PREFIX}${prediction_id}`);
  if (queue) return queue;
  const first = state.get(`${WAITING_PREFIX}0|${prediction_id}`);
  return first && { expires_ms: first.expires_ms, next: 1 };
}

/** Takes those out of the queue for which `isWanted` holds. */
export function dequeue(
  prediction_id: string,
  state: ExpiringState,
  isWanted: (feedback: WaitingFeedback) => boolean,
): WaitingFeedback[] {
  const queue = queueOf(prediction_id, state);
  if (!queue) return [];
  const taken: WaitingFeedback[] = [];
  let left = 0;
  for (let index = 0; index < queue.next; index++) {
    const key = `${WAITING_PREFIX}${index}|${prediction_id}`;
    const feedback = state.get<WaitingFeedback>(key);
    if (!feedback) continue;
    if (!isWanted(feedback)) {
      left++;
      continue;
    }
    taken.push(feedback);
    state.delete(key);
  }
  if (left === 0) state.delete(`${QUEUE_PREFIX}${prediction_id}`);
  return taken;
}

/** An event of a prediction, or of none. */
export function hasSeen(
  prediction_id: string,
  event_id: string,
  known: KnownPrediction | undefined,
  state: ExpiringState,
): boolean {
  return (
    (known?.seen?.includes(event_id) ?? false) || state.get(eventKey(prediction_id, event_id)) !== undefined
  );
}

/** True where there was room with the prediction: the caller sets it. Otherwise the event is kept by itself. */
export function see(
  prediction_id: string,
  event_id: string,
  expires_ms: number,
  known: KnownPrediction | undefined,
  state: ExpiringState,
): boolean {
  if (known && (known.seen?.length ?? 0) < SEEN_MAX) {
    known.seen = [...(known.seen ?? []), event_id];
    return true;
  }
  state.set(eventKey(prediction_id, event_id), { expires_ms });
  return false;
}

function eventKey(prediction_id: string, event_id: string): string {
  return `${EVENT_PREFIX}${JSON.stringify([prediction_id, event_id])}`;
}

/** Of an entry that expired: whose it was, where it still waited for the other side. */
export function waitedFor(key: string, value: Expiring): string | undefined {
  if (key.startsWith(WAITING_PREFIX)) return (value as WaitingFeedback).source;
  if (!key.startsWith(PREDICTION_PREFIX)) return undefined;
  const known = value as KnownPrediction;
  return known.has_feedback ? undefined : known.source;
}
