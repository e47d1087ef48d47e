/** librdkafka under Python, whole where kcat has only a part of it: from PyPI, kept in a cache folder, fetched once. */
import { spawnSync } from 'node:child_process';
import type { TestContext } from 'node:test';
import { cacheFolder, fetchedFolder } from './fetched_folder.ts';

const PACKAGE = 'confluent-kafka==2.16.1';

/** For PYTHONPATH; undefined where the test is skipped, loudly, for want of it. With CI=true it fails then. */
export function librdkafka(t: TestContext): string | undefined {
  const folder = cacheFolder('librdkafka', PACKAGE);
  const complaint = fetchedFolder(folder, download);
  if (complaint === null) return folder;
  const reason = `${PACKAGE} could not be installed: ${complaint}`;
  if (process.env.CI === 'true') throw new Error(reason);
  console.error(`SKIPPED: ${t.name}: ${reason}`);
  t.skip(reason);
  return undefined;
}

function download(into: string): string | null {
  const pip = ['-m', 'pip', 'install', '--quiet', '--target', into, PACKAGE];
  const { status, stderr, error } = spawnSync('python3', pip, { encoding: 'utf8', timeout: 120_000 });
  return status === 0 ? null : (error?.message ?? stderr.slice(-500));
}
