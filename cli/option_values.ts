/** What commands take as values of their options. */
import { InvalidArgumentError } from 'commander';
import { parseDuration } from '../messages/duration.ts';

export function port(text: string): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && value <= 65_535) return value;
  throw new InvalidArgumentError('a port is a whole number from 0 to 65535');
}

/** Milliseconds. */
export function duration(text: string): number {
  try {
    return parseDuration(text);
  } catch {
    throw new InvalidArgumentError('a duration is e.g. 500ms, 30s, 5m');
  }
}
