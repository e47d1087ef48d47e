/** Comparisons as people write them in a topology: `> 0.3`, `<= 5`. */
import { Type } from 'typebox';
import { ErrataError } from '../messages/errata_error.ts';

const PATTERN = '^\\s*(>=|<=|>|<|=)\\s*(-?\\d+(?:\\.\\d+)?)\\s*$';
const COMPARATOR = new RegExp(PATTERN);

export function Comparator(options: { default?: string; description: string }) {
  return Type.String({ pattern: PATTERN, examples: ['> 0.3', '>= 1000'], ...options });
}

/** Throws `E_COMPARATOR` on anything else than an operator and a number. */
export function parseComparator(text: string): (value: number) => boolean {
  const match = COMPARATOR.exec(text);
  if (!match) {
    throw new ErrataError('E_COMPARATOR', `"${text}" is not a comparison`, {
      hint: 'write e.g. > 0.3, >= 1000, < 5',
    });
  }
  const limit = Number(match[2]);
  switch (match[1]) {
    case '>':
      return (value) => value > limit;
    case '>=':
      return (value) => value >= limit;
    case '<':
      return (value) => value < limit;
    case '<=':
      return (value) => value <= limit;
    default:
      return (value) => value === limit;
  }
}
