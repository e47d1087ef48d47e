/**
 * Made predictions and feedback of many windows, deployments and versions: a function of a seed, in batches in which
 * an application would send them. Some feedback comes before its prediction, some late, some twice, some without any;
 * every limit of the published rule is hit exactly and missed by little.
 */
import { randomStream } from '../../training/random.ts';
import { edgeWindows } from './edge_windows.ts';

export interface InputStats {
  mean: number;
  std: number;
}

export interface MadePrediction {
  at_ms: number;
  body: {
    prediction_id: string;
    timestamp: number | string;
    deployment_id: string;
    model_version: string;
    input_stats?: InputStats;
    latency_ms?: number;
  };
}

export interface MadeFeedback {
  at_ms: number;
  body: {
    prediction_id: string;
    timestamp: number | string;
    feedback_type: 'explicit' | 'implicit';
    rating?: number | null;
    user_action?: string;
    time_to_action?: number | null;
    event_id?: string;
    deployment_id?: string;
    model_version?: string;
    input_stats?: InputStats;
  };
}

export interface Batch {
  predictions: MadePrediction[];
  feedback: MadeFeedback[];
}

export interface InputOptions {
  seed: number;
  /** Feedback messages, about. */
  events: number;
  windows: number;
  batches: number;
  /** Start of the first window. */
  from_ms: number;
  /** No predictions from a day before: they would be late where silence lets time go up to the wall clock. */
  all_recent?: boolean;
}

const WINDOW_MS = 300_000;
const DAY_MS = 24 * 3_600_000;
const KEYS = [
  ['spam', 'v1'],
  ['spam', 'v2'],
  ['fraud', 'v1'],
  ['fraud', 'v1 / beta'],
  ['größe', '1.0'],
] as const;
const RATINGS = [1, 2, 2.9999, 3, 3.0001, 4, 5, null, undefined];
const GOOD_RATINGS = [3, 4, 5, null, undefined];
const TIMES_TO_ACTION = [29.99, 30, 30.0001, 45, 600, null, undefined];
const GOOD_TIMES = [0, 0.4, 12, 30, null, undefined];
/** How often people find fault in a window: around the limit, far from it, always. */
const FAULT_RATES = [0, 0.2, 0.5, 0.6, 0.7, 1];

/** All of one batch is sent before the next; within a batch nothing is in order. */
export function makeInput(options: InputOptions): Batch[] {
  const { seed, events, windows, batches, from_ms, all_recent = false } = options;
  const random = randomStream('made input', seed);
  const made: Batch[] = Array.from({ length: batches }, () => ({ predictions: [], feedback: [] }));
  const pick = <Value>(values: readonly Value[]): Value => values[Math.floor(random() * values.length)]!;
  const chance = (share: number) => random() < share;
  const latest = (at: number) => at + Math.floor(random() * (batches - at));

  let prediction_id = '';
  for (let n = 0; n < events; n++) {
    const window = Math.floor((n / events) * windows);
    const batch = Math.floor((window / windows) * batches);
    const profile = randomStream('window', seed, window);
    const fault_rate = FAULT_RATES[Math.floor(profile() * FAULT_RATES.length)]!;
    const within_ms = chance(0.02) ? pick([0, WINDOW_MS - 1]) : Math.floor(random() * WINDOW_MS);
    const at_ms = from_ms + window * WINDOW_MS + within_ms;
    // Most predictions are spoken of more than once, also in windows to come.
    const is_new = n === 0 || chance(0.4);
    if (is_new) prediction_id = `p${seed}-${n}`;
    const key = pick(KEYS);
    const feedback: MadeFeedback = {
      at_ms,
      body: {
        prediction_id,
        timestamp: timestamp(at_ms, pick(['ms', 's', 'iso'])),
        ...said(chance(fault_rate), chance(0.5), pick),
        ...(chance(0.1) ? { event_id: `e${n}` } : {}),
        ...(chance(0.2) ? { input_stats: stats(profile(), random) } : {}),
        // What it says of itself counts only as long as its prediction is not there.
        ...(chance(0.3) ? { deployment_id: pick(KEYS)[0] } : {}),
        ...(chance(0.3) ? { model_version: 'said' } : {}),
      },
    };
    const sent = chance(0.1) ? latest(batch) : batch;
    made[sent]!.feedback.push(feedback);
    // Told twice: with an event id a duplicate, without one another event.
    if (chance(0.05)) made[latest(sent)]!.feedback.push(feedback);
    if (!is_new || chance(0.1)) continue;
    const apart = predictionTime(at_ms, !all_recent && batch > 0 && chance(0.02), pick, random);
    const prediction: MadePrediction = {
      at_ms: apart.at_ms,
      body: {
        prediction_id,
        timestamp: timestamp(apart.at_ms, 'ms'),
        deployment_id: key[0],
        model_version: key[1],
        ...(chance(0.9) ? { input_stats: stats(profile(), random) } : {}),
        ...(chance(0.5) ? { latency_ms: Math.floor(random() * 400) } : {}),
      },
    };
    made[apart.is_old ? 0 : chance(0.15) ? latest(batch) : batch]!.predictions.push(prediction);
  }
  for (const [index, edge] of edgeWindows(from_ms, WINDOW_MS).entries()) {
    const { predictions, feedback } = made[index % batches]!;
    predictions.push(...edge.predictions);
    feedback.push(...edge.feedback);
  }
  for (const { predictions, feedback } of made) {
    shuffle(predictions, random);
    shuffle(feedback, random);
  }
  return made;
}

/** Old ones lie exactly as far back as a prediction is waited for, or a millisecond more. */
function predictionTime(
  at_ms: number,
  is_old: boolean,
  pick: <Value>(values: readonly Value[]) => Value,
  random: () => number,
): { at_ms: number; is_old: boolean } {
  const before_ms = is_old ? DAY_MS + pick([0, 1]) : Math.floor(random() * WINDOW_MS);
  return { at_ms: at_ms - before_ms, is_old };
}

function said(
  is_fault: boolean,
  is_explicit: boolean,
  pick: <Value>(values: readonly Value[]) => Value,
): Pick<MadeFeedback['body'], 'feedback_type' | 'rating' | 'time_to_action' | 'user_action'> {
  const rating = pick(is_fault ? RATINGS : GOOD_RATINGS);
  const time_to_action = pick(is_fault ? TIMES_TO_ACTION : GOOD_TIMES);
  if (is_explicit) return { feedback_type: 'explicit', ...(rating === undefined ? {} : { rating }) };
  return {
    feedback_type: 'implicit',
    user_action: pick(['click', 'search', 'logout']),
    ...(time_to_action === undefined ? {} : { time_to_action }),
    // One message may be a low rating and a slow action: two errors.
    ...(is_fault && rating !== undefined ? { rating } : {}),
  };
}

/** `spread`: how many patterns the window's inputs make. */
function stats(spread: number, random: () => number): InputStats {
  const wide = spread * 4;
  return { mean: (random() - 0.5) * 2 * wide, std: random() * (spread < 0.3 ? 0.99 : 2.5) };
}

function timestamp(at_ms: number, form: 'ms' | 's' | 'iso'): number | string {
  if (form === 'ms') return at_ms;
  return form === 's' ? at_ms / 1000 : new Date(at_ms).toISOString();
}

function shuffle(values: unknown[], random: () => number): void {
  for (let last = values.length - 1; last > 0; last--) {
    const other = Math.floor(random() * (last + 1));
    [values[last], values[other]] = [values[other], values[last]];
  }
}
