/** kcat, which is librdkafka. */
import { spawnSync } from 'node:child_process';
import type { TestContext } from 'node:test';
import { runTool } from './run_tool.ts';

/** Whether kcat is there; without it the test is skipped loudly, and fails where CI=true. */
export function hasKcat(t: TestContext): boolean {
  if (spawnSync('kcat', ['-V']).status === 0) return true;
  if (process.env.CI === 'true') throw new Error('kcat is not installed');
  console.error(`SKIPPED: ${t.name}: kcat is not installed`);
  t.skip('kcat is not installed');
  return false;
}

/** Runs kcat and returns what it printed; rejects if it fails. */
export function kcat(address: string, args: string[], input = ''): Promise<string> {
  return runTool('kcat', ['-b', address, ...args], input);
}
