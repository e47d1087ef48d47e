/**
 * Numeric features of a mail, of which the application publishes the statistics as `input_stats`. All lie between
 * 0 and about 12, so that mean and standard deviation of one mail tell kinds of mail apart: a short note, a plain
 * discussion, a newsletter with links, a page of HTML.
 */
import type { InputStats } from '../../messages/prediction.ts';
import type { Mail } from './mails.ts';

const SHARE_SCALE = 10;

export const featureNames = [
  'length',
  'links',
  'exclamations',
  'tags',
  'quotes',
  'capitals',
  'digits',
] as const;

/** One number per feature name. Counts are log2(1 + n), shares of characters are in tenths. */
export function mailFeatures({ subject, body }: Pick<Mail, 'subject' | 'body'>): number[] {
  const text = `${subject}\n${body}`;
  return [
    logCount(body.length),
    logCount(count(body, /https?:\/\//gi)),
    logCount(count(text, /!/g)),
    logCount(count(body, /<\/?[a-z][^>]*>/gi)),
    logCount(count(body, /^>/gm)),
    share(count(text, /[A-Z]/g), count(text, /[A-Za-z]/g)),
    share(count(text, /[0-9]/g), text.length),
  ];
}

/** Mean, population standard deviation, minimum and maximum. */
export function statsOf(values: readonly number[]): Required<InputStats> {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return {
    mean,
    std: Math.sqrt(squares / values.length),
    min: Math.min(...values),
    max: Math.max(...values),
  };
}

function count(text: string, pattern: RegExp): number {
  return text.match(pattern)?.length ?? 0;
}

function logCount(occurrences: number): number {
  return Math.log2(1 + occurrences);
}

function share(part: number, whole: number): number {
  return whole === 0 ? 0 : (SHARE_SCALE * part) / whole;
}
