/**
 * What `npm start` promises, over five seeds: the loop halves the errors of the last third on average, and no seed
 * ends worse than the first model. `npm run acceptance [-- SEED…]`; takes a minute a seed.
 */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { DemoResult } from '../../cli/demo/report.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const seeds = process.argv.length > 2 ? process.argv.slice(2).map(Number) : [1, 2, 3, 4, 5];
const LONGEST_S = 300;

function replay(seed: number): DemoResult & { seconds: number } {
  const started_ms = Date.now();
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    ['cli/errata.ts', 'demo', '--exit', '--seed', String(seed), '--kafka-port', '0'],
    { cwd: ROOT, encoding: 'utf8', timeout: LONGEST_S * 1000 },
  );
  if (status !== 0) throw new Error(`seed ${seed} ended with ${status}:\n${stdout.slice(-2000)}\n${stderr}`);
  const result = JSON.parse(stdout.trim().split('\n').at(-1)!) as DemoResult;
  return { ...result, seconds: Math.round((Date.now() - started_ms) / 1000) };
}

const results = seeds.map((seed) => {
  const result = replay(seed);
  console.log(JSON.stringify(result));
  return result;
});

const mean = (of: (result: DemoResult) => number) =>
  results.reduce((sum, result) => sum + of(result), 0) / results.length;
const live = mean((result) => result.live_error_last_third);
const frozen = mean((result) => result.frozen_error_last_third);
const checks: [string, boolean][] = [
  [
    `mean live error of the last third ${live.toFixed(4)} ≤ half of frozen ${frozen.toFixed(4)}`,
    live <= frozen / 2,
  ],
  ['no seed is worse than frozen', results.every((result) => result.live_error <= result.frozen_error)],
  [
    'no seed is worse than frozen in the last third',
    results.every((result) => result.live_error_last_third <= result.frozen_error_last_third),
  ],
  ['every seed retrained and promoted', results.every((result) => result.promotions > 0)],
  ['every seed had windows that did not alert', results.every((result) => result.alerts < result.windows)],
];
for (const [what, holds] of checks) console.log(`${holds ? 'ok' : 'NOT OK'}  ${what}`);
const failed = checks.filter(([, holds]) => !holds).length;
console.log(`${checks.length - failed} passed, ${failed} failed`);
process.exit(failed === 0 ? 0 : 1);
