/** Holds what a contender said against the brute-force answers. Without agreement no figure counts. */
import type { Answer, Answers } from './answers.ts';

const TOLERANCE = { mean: 1e-9, variance: 1e-6, p95: 0.02, error_rate: 1e-12 };

/** One sentence for each difference; none where all agree. Windows that begin at or after `end_ms` do not count. */
export function compare(expected: Answers, said: Answers, end_ms: number): string[] {
  const differences: string[] = [];
  for (const [key, answer] of expected) {
    const found = said.get(key);
    if (found) differences.push(...differencesOf(answer, found).map((what) => `${key}: ${what}`));
    else differences.push(`${key}: missing`);
  }
  for (const key of said.keys())
    if (!expected.has(key) && Number(key.slice(0, key.indexOf('|'))) < end_ms)
      differences.push(`${key}: there is no such window`);
  return differences;
}

function differencesOf(expected: Answer, said: Answer): string[] {
  const tell = (field: keyof Answer) => `${field} is ${said[field]}, should be ${expected[field]}`;
  const fields: (keyof Answer)[] = [];
  if (said.count !== expected.count) fields.push('count');
  for (const field of ['error_rate', 'mean', 'variance', 'p95'] as const)
    if (!isClose(said[field], expected[field], TOLERANCE[field])) fields.push(field);
  return fields.map(tell);
}

/** NaN and undefined are close to nothing. */
function isClose(said: number, expected: number, tolerance: number): boolean {
  return Math.abs(said - expected) <= tolerance * Math.max(Math.abs(expected), Number.MIN_VALUE);
}
