/** What a topology must say in the end, by brute force from the input alone. */
import { type RuledWindow, ruledWindows, windowId } from '../e2e/published_rule.ts';
import { type DrillSource, WINDOW_MS } from './drill_input.ts';
import type { EnteredFeedback, EnteredPrediction, InputLog } from './log_truth.ts';

/** Account → disposition → records; what is zero is absent. */
export type Accounts = Record<string, Record<string, number>>;

export interface Expected {
  windows: Map<string, RuledWindow>;
  /** Windows of which everything, whatever it was counted under meanwhile, came before any watermark passed their end. */
  on_time: Set<string>;
  /** Position → code. */
  dead_letters: Map<string, string>;
  late: Map<string, string>;
  ledger: Accounts;
}

const WAIT_MS = 24 * 3_600_000;

export function expectedOf(log: InputLog): Expected {
  const predicted = firstById(log.predictions);
  const heard = withoutDuplicates(log.feedback);
  const windows = ruledWindows(log.predictions, log.feedback);
  return {
    windows,
    on_time: onTime(windows.keys(), heard, predicted),
    dead_letters: new Map(log.dead.map(({ position, code }) => [position, code])),
    late: new Map(log.late.map(({ position, code }) => [position, code])),
    ledger: ledgerOf(log, heard, predicted),
  };
}

function firstById(predictions: readonly EnteredPrediction[]): Map<string, EnteredPrediction> {
  const first = new Map<string, EnteredPrediction>();
  for (const prediction of predictions) {
    const { prediction_id } = prediction.body;
    if (!first.has(prediction_id)) first.set(prediction_id, prediction);
  }
  return first;
}

function withoutDuplicates(feedback: readonly EnteredFeedback[]): EnteredFeedback[] {
  const seen = new Set<string>();
  return feedback.filter(({ body: { prediction_id, event_id } }) => {
    if (event_id === undefined) return true;
    const event = `${prediction_id} ${event_id}`;
    return !seen.has(event) && seen.add(event);
  });
}

function aboutOf(
  { at_ms, body }: EnteredFeedback,
  predicted: ReadonlyMap<string, EnteredPrediction>,
): EnteredPrediction | undefined {
  const found = predicted.get(body.prediction_id);
  return found && Math.abs(found.at_ms - at_ms) <= WAIT_MS ? found : undefined;
}

function onTime(
  ids: Iterable<string>,
  heard: readonly EnteredFeedback[],
  predicted: ReadonlyMap<string, EnteredPrediction>,
): Set<string> {
  const on_time = new Set(ids);
  for (const feedback of heard) {
    const about = aboutOf(feedback, predicted);
    const start_ms = Math.floor(feedback.at_ms / WINDOW_MS) * WINDOW_MS;
    const latest_ms = Math.max(feedback.watermark_at_most_ms, about?.watermark_at_most_ms ?? -Infinity);
    if (latest_ms < start_ms + WINDOW_MS) continue;
    for (const { deployment_id = 'unknown', model_version = 'unknown' } of [feedback.body, about?.body ?? {}])
      on_time.delete(windowId(deployment_id, model_version, start_ms));
  }
  return on_time;
}

function ledgerOf(
  log: InputLog,
  heard: readonly EnteredFeedback[],
  predicted: ReadonlyMap<string, EnteredPrediction>,
): Accounts {
  const joined = heard.filter((feedback) => aboutOf(feedback, predicted) !== undefined);
  const answered = new Set(joined.map(({ body }) => body.prediction_id));
  const of = (source: DrillSource, own: Record<string, number>) => {
    const aside = {
      dead_lettered: log.dead.filter((record) => record.source === source).length,
      late: log.late.filter((record) => record.source === source).length,
    };
    const all = { ...own, ...aside };
    return { taken_in: Object.values(all).reduce((sum, count) => sum + count, 0), ...all };
  };
  return withoutZeros({
    predictions: of('predictions', {
      joined: answered.size,
      pending: predicted.size - answered.size,
      duplicate: log.predictions.length - predicted.size,
    }),
    feedback: of('feedback', {
      joined: joined.length,
      pending: heard.length - joined.length,
      duplicate: log.feedback.length - heard.length,
    }),
    stats: { windowed: heard.length },
  });
}

export function withoutZeros(accounts: Accounts): Accounts {
  return Object.fromEntries(
    Object.entries(accounts).map(([account, counts]) => [
      account,
      Object.fromEntries(Object.entries(counts).filter(([, count]) => count !== 0)),
    ]),
  );
}
