/** Sizes of memory as people write them in a topology: `512m`, `1g`. */
import { Type } from 'typebox';
import { ErrataError } from './errata_error.ts';

const UNIT_MB: Record<string, number> = { m: 1, g: 1024 };
const PATTERN = '^([1-9]\\d*)(m|g)$';
const SIZE = new RegExp(PATTERN);

export function ByteSize(options: { default?: string; description: string }) {
  return Type.String({ pattern: PATTERN, examples: ['512m', '1g'], ...options });
}

/** Mebibytes. Throws `E_SIZE` on anything else than a whole number with a unit. */
export function parseMegabytes(text: string): number {
  const match = SIZE.exec(text);
  if (!match) throw new ErrataError('E_SIZE', `"${text}" is not a size`, { hint: 'write e.g. 512m, 1g' });
  return Number(match[1]) * UNIT_MB[match[2]!]!;
}
