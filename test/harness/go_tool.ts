/** Programs in Go that tests use, built once into the cache. Without Go, tests that need one are skipped loudly; with CI=true they fail. */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { TestContext } from 'node:test';
import { cacheFolder } from './fetched_folder.ts';

/** The program in a folder of this one; undefined if the test is skipped. */
export function withGoTool(t: TestContext, folder: string): string | undefined {
  const built = goTool(folder);
  if ('binary' in built) return built.binary;
  if (process.env.CI === 'true') throw new Error(built.missing);
  console.error(`SKIPPED: ${t.name}: ${built.missing}`);
  t.skip(built.missing);
  return undefined;
}

/** As `withGoTool`, or why there is none. */
export function goTool(folder: string): { binary: string } | { missing: string } {
  const source = join(import.meta.dirname, folder);
  const cache = cacheFolder(basename(source));
  const binary = join(cache, hashOf(source));
  if (existsSync(binary)) return { binary };
  mkdirSync(cache, { recursive: true });
  const building = `${binary}.${process.pid}`;
  const options = { cwd: source, encoding: 'utf8', timeout: 400_000 } as const;
  const { status, stderr, error } = spawnSync(
    'go',
    ['build', '-buildvcs=false', '-o', building, '.'],
    options,
  );
  if (error) return { missing: `${basename(source)} needs Go 1.25 or later: ${error.message}` };
  if (status !== 0)
    return { missing: `Go did not build ${basename(source)}: ${stderr.trim().slice(-1_000)}` };
  renameSync(building, binary);
  return { binary };
}

function hashOf(source: string): string {
  const hash = createHash('sha256');
  for (const file of readdirSync(source).toSorted()) hash.update(readFileSync(join(source, file)));
  return hash.digest('hex').slice(0, 16);
}
