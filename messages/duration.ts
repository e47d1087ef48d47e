/** Durations as people write them in a topology: `250ms`, `30s`, `5m`, `24h`, `7d`. */
import { Type } from 'typebox';
import { ErrataError } from './errata_error.ts';

const UNIT_MS: Record<string, number> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const PATTERN = '^(\\d+(?:\\.\\d+)?)(ms|s|m|h|d)$';
const DURATION = new RegExp(PATTERN);

export function Duration(options: { default?: string; description: string }) {
  return Type.String({ pattern: PATTERN, examples: ['30s', '5m', '24h', '7d'], ...options });
}

/** Milliseconds. Throws `E_DURATION` on anything else than a number with a unit. */
export function parseDuration(text: string): number {
  const match = DURATION.exec(text);
  const unit = match && UNIT_MS[match[2]!];
  if (!match || !unit)
    throw new ErrataError('E_DURATION', `"${text}" is not a duration`, {
      hint: 'write e.g. 30s, 5m, 24h, 7d',
    });
  return Math.round(Number(match[1]) * unit);
}
