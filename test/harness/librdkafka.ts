/** librdkafka under Python, whole where kcat has only a part of it: from PyPI, kept in a cache folder, fetched once. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import type { TestContext } from 'node:test';

const PACKAGE = 'confluent-kafka==2.16.1';

/** For PYTHONPATH; undefined where the test is skipped, loudly, for want of it. With CI=true it fails then. */
export function librdkafka(t: TestContext): string | undefined {
  const cache = resolve(process.env.ERRATA_CACHE ?? join(import.meta.dirname, '../../.cache'));
  const folder = join(cache, 'librdkafka', PACKAGE);
  const complaint = existsSync(folder) ? null : download(folder);
  if (complaint === null) return folder;
  const reason = `${PACKAGE} could not be installed: ${complaint}`;
  if (process.env.CI === 'true') throw new Error(reason);
  console.error(`SKIPPED: ${t.name}: ${reason}`);
  t.skip(reason);
  return undefined;
}

/** Into a folder of its own first, so that a cut download is never taken for a whole one. Null, or what pip says. */
function download(folder: string): string | null {
  const work = `${folder}-download-${process.pid}`;
  mkdirSync(dirname(work), { recursive: true });
  const pip = ['-m', 'pip', 'install', '--quiet', '--target', work, PACKAGE];
  const { status, stderr, error } = spawnSync('python3', pip, { encoding: 'utf8', timeout: 120_000 });
  if (status === 0 && !existsSync(folder)) renameSync(work, folder);
  // Another run may have been quicker; then its folder stays.
  rmSync(work, { recursive: true, force: true });
  return status === 0 ? null : (error?.message ?? stderr.slice(-500));
}
