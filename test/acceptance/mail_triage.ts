/**
 * What `npm start` promises, over five seeds: the loop halves the errors of the last third on average, no seed ends
 * worse than the first model, one seed gives one result, and without reports or without severity nothing is learned.
 * `npm run acceptance [-- SEED…]`; takes half a minute a replay.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isDeepStrictEqual } from 'node:util';
import { parseDocument } from 'yaml';
import type { DemoResult } from '../../cli/demo/report.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const TOPOLOGY = join(ROOT, 'config/topologies/mail-triage.yaml');
const LONGEST_S = 300;
const seeds = process.argv.length > 2 ? process.argv.slice(2).map(Number) : [1, 2, 3, 4, 5];

function replay(seed: number, ...flags: string[]): DemoResult {
  const started_ms = Date.now();
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    ['cli/errata.ts', 'demo', '--exit', '--seed', String(seed), '--kafka-port', '0', ...flags],
    { cwd: ROOT, encoding: 'utf8', timeout: LONGEST_S * 1000 },
  );
  if (status !== 0) throw new Error(`seed ${seed} ended with ${status}:\n${stdout.slice(-2000)}\n${stderr}`);
  const line = stdout.trim().split('\n').at(-1)!;
  console.log(`${line}  ${Math.round((Date.now() - started_ms) / 1000)} s  ${flags.join(' ')}`);
  return JSON.parse(line) as DemoResult;
}

/** The same topology with the severity actor taken out, and with it all that lives on what it says. */
function withoutSeverity(folder: string): string {
  const document = parseDocument(readFileSync(TOPOLOGY, 'utf8'));
  for (const actor of ['severity', 'retraining', 'rollout']) document.deleteIn(['actors', actor]);
  document.delete('sinks');
  const file = join(folder, 'without-severity.yaml');
  writeFileSync(file, document.toString());
  return file;
}

const results = seeds.map((seed) => replay(seed));
const again = replay(seeds[0]!);
const unreported = replay(seeds[0]!, '--report-wrong', '0', '--report-right', '0');
const folder = mkdtempSync(join(tmpdir(), 'errata-acceptance-'));
const unjudged = replay(seeds[0]!, '--topology', withoutSeverity(folder));
rmSync(folder, { recursive: true });

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
  ['every seed promoted a candidate', results.every((result) => result.promotions > 0)],
  ['every seed had windows without an alert', results.every((result) => result.alerts < result.windows)],
  ['one seed gives one result', isDeepStrictEqual(again, results[0])],
  ['with report rates 0 nothing is retrained', unreported.retrainings === 0 && unreported.alerts === 0],
  ['with report rates 0, live equals frozen', unreported.live_error === unreported.frozen_error],
  ['without severity nothing is retrained', unjudged.retrainings === 0],
  ['without severity, live equals frozen', unjudged.live_error === unjudged.frozen_error],
];
for (const [what, holds] of checks) console.log(`${holds ? 'ok' : 'NOT OK'}  ${what}`);
const failed = checks.filter(([, holds]) => !holds).length;
console.log(`${checks.length - failed} passed, ${failed} failed`);
process.exit(failed === 0 ? 0 : 1);
