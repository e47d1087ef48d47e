/**
 * bqemulator from PyPI, kept in a cache folder: fetched once, used by every run. It is DuckDB behind BigQuery's protocols, and
 * would download DuckDB's spatial extension at its start; PyPI has that too, and it is laid where DuckDB looks.
 */
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';

const VERSION = '1.4.0';
const DUCKDB = '1.5.5';
const REQUIREMENTS = [
  `bqemulator==${VERSION}`,
  `duckdb==${DUCKDB}`,
  `duckdb-extension-spatial==${DUCKDB}`,
  'numpy',
];
const PLATFORMS: Partial<Record<string, string>> = {
  'linux x64': 'linux_amd64',
  'linux arm64': 'linux_arm64',
  'darwin arm64': 'osx_arm64',
};

/** `modules`: for PYTHONPATH; `home`: for HOME, where DuckDB finds its extension. */
export interface EmulatorPackage {
  modules: string;
  home: string;
}

/** The package, or why there is none. */
export function bqemulatorPackage(): EmulatorPackage | { missing: string } {
  const cache = resolve(process.env.ERRATA_CACHE ?? join(import.meta.dirname, '../../.cache'), 'bqemulator');
  const folder = join(cache, `${VERSION}-duckdb-${DUCKDB}`);
  if (existsSync(folder)) return within(folder);
  const platform = PLATFORMS[`${process.platform} ${process.arch}`];
  if (!platform) return { missing: `bqemulator is not set up for ${process.platform} ${process.arch}` };
  if (spawnSync('python3', ['-m', 'pip', '--version']).status !== 0)
    return { missing: 'there is no python3 with pip' };
  return download(cache, folder, platform);
}

function within(folder: string): EmulatorPackage {
  return { modules: join(folder, 'modules'), home: join(folder, 'home') };
}

/** Into a folder of its own first, so that a cut download is never taken for a whole one. */
function download(cache: string, folder: string, platform: string): EmulatorPackage | { missing: string } {
  const work = join(cache, `download-${process.pid}`);
  const { modules, home } = within(work);
  const pip = ['-m', 'pip', 'install', '--quiet', '--target', modules, ...REQUIREMENTS];
  const { status, stderr } = spawnSync('python3', pip, { encoding: 'utf8', timeout: 240_000 });
  if (status !== 0) {
    rmSync(work, { recursive: true, force: true });
    return { missing: `pip could not install bqemulator ${VERSION}: ${stderr.slice(-500)}` };
  }
  const extension = join(modules, 'duckdb_extension_spatial/extensions', `v${DUCKDB}`);
  const place = join(home, '.duckdb/extensions', `v${DUCKDB}`, platform);
  mkdirSync(place, { recursive: true });
  cpSync(extension, place, { recursive: true });
  // Another run may have been quicker; then its folder stays.
  if (!existsSync(folder)) renameSync(work, folder);
  else rmSync(work, { recursive: true, force: true });
  return within(folder);
}
