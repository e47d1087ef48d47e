/** Holds what a contender said against the brute-force answers. Without agreement no figure counts. */
import { type Answers, type Counted, type Load, windowStartOf } from './job.ts';

/** One sentence for each difference; none where all agree. A window from which all was taken back does not count. */
export function compare<Answer extends Counted>(
  { job, answers, end_ms }: Pick<Load<Answer>, 'job' | 'answers' | 'end_ms'>,
  said: Answers<Answer>,
): string[] {
  const differences: string[] = [];
  for (const [key, answer] of answers) {
    const found = said.get(key);
    const different = found ? job.differences(answer, found) : ['missing'];
    differences.push(...different.map((what) => `${key}: ${what}`));
  }
  for (const [key, { count }] of said)
    if (!answers.has(key) && count !== 0 && windowStartOf(key) < end_ms)
      differences.push(`${key}: there is no such window`);
  return differences;
}
