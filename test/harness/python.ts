/** Python 3, of which tests use the standard library only. */
import { spawnSync } from 'node:child_process';
import type { TestContext } from 'node:test';

/** Whether it is there; without it the test is skipped loudly, and fails where CI=true. */
export function hasPython(t: TestContext): boolean {
  if (spawnSync('python3', ['--version']).status === 0) return true;
  if (process.env.CI === 'true') throw new Error('python3 is not installed');
  console.error(`SKIPPED: ${t.name}: python3 is not installed`);
  t.skip('python3 is not installed');
  return false;
}
