/** Ids that say the same about the same thing in every run: never from a clock or dice. */
import { createHash } from 'node:crypto';

/** `{what}-{16 hexadecimal digits}` from SHA-256 over the parts. */
export function derivedId(what: string, ...parts: (string | number)[]): string {
  return `${what}-${createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 16)}`;
}

/** A seed for random numbers, an unsigned 32-bit integer. */
export function derivedSeed(id: string): number {
  return createHash('sha256').update(id).digest().readUInt32BE(0);
}
