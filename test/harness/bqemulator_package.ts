/** bqemulator from PyPI, kept in a cache folder: fetched once, used by every run. It is that of deploy/infra/bqemulator. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';

/** What its image is made of. */
export const IMAGE_FOLDER = join(import.meta.dirname, '../../deploy/infra/bqemulator');
const REQUIREMENTS = join(IMAGE_FOLDER, 'requirements.txt');

/** `modules`: for PYTHONPATH; `home`: for HOME, where DuckDB finds its extension. */
export interface EmulatorPackage {
  modules: string;
  home: string;
}

/** The package, or why there is none. */
export function bqemulatorPackage(): EmulatorPackage | { missing: string } {
  const cache = resolve(process.env.ERRATA_CACHE ?? join(import.meta.dirname, '../../.cache'), 'bqemulator');
  const folder = join(cache, `${versionOf('bqemulator')}-duckdb-${versionOf('duckdb')}`);
  if (existsSync(folder)) return within(folder);
  if (spawnSync('python3', ['-m', 'pip', '--version']).status !== 0)
    return { missing: 'there is no python3 with pip' };
  return download(cache, folder);
}

function versionOf(name: string): string {
  return new RegExp(`^${name}==(.*)$`, 'm').exec(readFileSync(REQUIREMENTS, 'utf8'))![1]!;
}

function within(folder: string): EmulatorPackage {
  return { modules: join(folder, 'modules'), home: join(folder, 'home') };
}

/** Into a folder of its own first, so that a cut download is never taken for a whole one. */
function download(cache: string, folder: string): EmulatorPackage | { missing: string } {
  const work = join(cache, `download-${process.pid}`);
  const { modules, home } = within(work);
  mkdirSync(home, { recursive: true });
  const env = { ...process.env, PYTHONPATH: modules, HOME: home };
  const pip = ['-m', 'pip', 'install', '--quiet', '--target', modules, '-r', REQUIREMENTS];
  for (const [args, given] of [
    [pip, process.env],
    [[join(IMAGE_FOLDER, 'lay_extension.py')], env],
  ] as const) {
    const { status, stderr } = spawnSync('python3', args, { env: given, encoding: 'utf8', timeout: 240_000 });
    if (status === 0) continue;
    rmSync(work, { recursive: true, force: true });
    return { missing: `bqemulator could not be installed: ${stderr.slice(-500)}` };
  }
  // Another run may have been quicker; then its folder stays.
  if (!existsSync(folder)) renameSync(work, folder);
  else rmSync(work, { recursive: true, force: true });
  return within(folder);
}
