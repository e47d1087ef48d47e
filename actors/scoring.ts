/**
 * Feedback → verdict on the prediction that it is about. What a person says outweighs what they rate: a label decides
 * over a rating; for implicit feedback the first line of the table that matches decides.
 */
import { isDeepStrictEqual } from 'node:util';
import { answerOf } from '../messages/answer.ts';
import { parseDuration } from '../messages/duration.ts';
import type { Feedback } from '../messages/feedback.ts';
import type { Verdict } from '../messages/outcome.ts';
import type { ScoringConfig, Signal } from './capture_config.ts';

/** What of a feedback decides, and is kept while its prediction has not come. */
const SAID_FIELDS = ['rating', 'label', 'user_action', 'time_to_action', 'user_id'] as const;
export type Said = Pick<Feedback, 'feedback_type' | (typeof SAID_FIELDS)[number]> & { time_ms: number };

export function saidIn(feedback: Feedback, time_ms: number): Said {
  const said = SAID_FIELDS.filter((field) => isSaid(feedback[field])).map((field) => [
    field,
    feedback[field],
  ]);
  return { feedback_type: feedback.feedback_type, time_ms, ...Object.fromEntries(said) };
}

/** Undefined where the feedback says nothing about right or wrong. */
export function verdictOf(said: Said, output: unknown, config: ScoringConfig): Verdict | undefined {
  const score = scoreOf(said, output, config);
  if (score === undefined) return undefined;
  const { feedback_type: by, user_id, time_ms, label } = said;
  return {
    score,
    bad: score < config.bad_below,
    by,
    time_ms,
    ...(user_id === undefined ? {} : { user_id }),
    ...(label === undefined ? {} : { label }),
  };
}

function scoreOf(said: Said, output: unknown, config: ScoringConfig): number | undefined {
  if (isSaid(said.label) && isSaid(output)) {
    return isSameAnswer(said.label, output) ? config.label_equal : config.label_differs;
  }
  if (isSaid(said.rating)) return ratingScore(said.rating, config.neutral_rating);
  if (isSaid(said.label)) return UNDECIDED;
  return config.signals.find((signal) => matches(signal, said))?.score;
}

/** A right answer without a given one to compare: kept for its label, for or against nothing. */
const UNDECIDED = 0;

function isSameAnswer(label: unknown, output: unknown): boolean {
  return isDeepStrictEqual(label, output) || isDeepStrictEqual(label, answerOf(output));
}

const LOWEST_RATING = 1;
const HIGHEST_RATING = 5;

/** Linear on both sides of the neutral rating: the lowest scores -1, the neutral 0, the highest 1. */
function ratingScore(rating: number, neutral: number): number {
  const reach = rating < neutral ? neutral - LOWEST_RATING : HIGHEST_RATING - neutral;
  return reach === 0 ? 0 : (rating - neutral) / reach;
}

function matches(signal: Signal, said: Said): boolean {
  if (signal.action !== undefined && signal.action !== said.user_action) return false;
  if (signal.within === undefined && signal.after === undefined) return true;
  if (!isSaid(said.time_to_action)) return false;
  const time_to_action_ms = said.time_to_action * 1000;
  return (
    (signal.within === undefined || time_to_action_ms <= parseDuration(signal.within)) &&
    (signal.after === undefined || time_to_action_ms >= parseDuration(signal.after))
  );
}

function isSaid<Value>(value: Value | null | undefined): value is Value {
  return value !== undefined && value !== null;
}

/** The later word counts. Of two at the same moment the worse one, so that the order of arrival does not matter. */
export function replaces(verdict: Verdict, current: Verdict | null): boolean {
  if (!current) return true;
  if (verdict.time_ms !== current.time_ms) return verdict.time_ms > current.time_ms;
  if (verdict.score !== current.score) return verdict.score < current.score;
  return JSON.stringify(verdict) > JSON.stringify(current);
}
