/**
 * The simulated readers of the demo. They alone see the true labels. A reader reports 40 % of wrong answers and
 * 2 % of right ones, some with a rating, some by what they do. What becomes of a mail is a function of the seed and
 * the mail's id, so it does not depend on the order or on what happened to other mails.
 */
import type { Feedback } from '../../messages/feedback.ts';
import { randomStream } from '../../training/random.ts';
import type { Mail } from './mails.ts';

export interface ReaderRates {
  /** Probability that a wrong answer is reported. */
  wrong: number;
  /** Probability that a right answer is confirmed. */
  right: number;
}

export const READER_RATES: ReaderRates = { wrong: 0.4, right: 0.02 };

const HOUR_MS = 3_600_000;
const MEAN_DELAY_MS = 3 * HOUR_MS;
/** No reader answers later than this: a topology's `join.wait` and lateness need not be longer. */
export const MAX_DELAY_MS = 24 * HOUR_MS;

/** How often it is a rating and not an action. */
const EXPLICIT_SHARE = 0.5;

/** What the readers make of `answer`: one message, or nothing. */
export function readersFeedback(
  mail: Mail,
  answer: { prediction_id: string; output: unknown },
  seed: number,
  rates: ReaderRates = READER_RATES,
): { time_ms: number; feedback: Feedback } | undefined {
  const random = randomStream('reader', seed, mail.id);
  const is_right = answer.output === mail.label;
  if (random() >= (is_right ? rates.right : rates.wrong)) return undefined;
  const time_ms = mail.time_ms + delay_ms(random());
  const said = random() < EXPLICIT_SHARE ? rating(is_right, random()) : action(is_right, random());
  const feedback: Feedback = {
    prediction_id: answer.prediction_id,
    event_id: `reader-${answer.prediction_id}`,
    session_id: `session-${mail.id}`,
    timestamp: time_ms,
    ...said,
  };
  return { time_ms, feedback };
}

/** Exponential, at least a second. */
function delay_ms(draw: number): number {
  return Math.min(MAX_DELAY_MS, 1000 + Math.round(-Math.log(1 - draw) * MEAN_DELAY_MS));
}

type Said = Pick<Feedback, 'feedback_type' | 'rating' | 'user_action' | 'time_to_action'>;

function rating(is_right: boolean, draw: number): Said {
  const lowest = is_right ? 4 : 1;
  return { feedback_type: 'explicit', rating: draw < 0.5 ? lowest : lowest + 1 };
}

/** A quick click, or half a minute and more and then a search for the mail that is not where it should be. */
function action(is_right: boolean, draw: number): Said {
  const [user_action, shortest_s, spread_s] = is_right ? ['click', 0.2, 1.5] : ['search', 31, 120];
  const time_to_action = Math.round((shortest_s + draw * spread_s) * 10) / 10;
  return { feedback_type: 'implicit', user_action, time_to_action };
}
