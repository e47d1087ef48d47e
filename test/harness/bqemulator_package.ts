/** bqemulator from PyPI, kept in a cache folder: fetched once, used by every run. It is that of deploy/infra/bqemulator. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { cacheFolder, fetchedFolder } from './fetched_folder.ts';

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
  const folder = cacheFolder('bqemulator', `${versionOf('bqemulator')}-duckdb-${versionOf('duckdb')}`);
  const missing = fetchedFolder(folder, download);
  return missing === null ? within(folder) : { missing };
}

function versionOf(name: string): string {
  return new RegExp(`^${name}==(.*)$`, 'm').exec(readFileSync(REQUIREMENTS, 'utf8'))![1]!;
}

function within(folder: string): EmulatorPackage {
  return { modules: join(folder, 'modules'), home: join(folder, 'home') };
}

function download(into: string): string | null {
  if (spawnSync('python3', ['-m', 'pip', '--version']).status !== 0) return 'there is no python3 with pip';
  const { modules, home } = within(into);
  mkdirSync(home, { recursive: true });
  const env = { ...process.env, PYTHONPATH: modules, HOME: home };
  const pip = ['-m', 'pip', 'install', '--quiet', '--target', modules, '-r', REQUIREMENTS];
  for (const [args, given] of [
    [pip, process.env],
    [[join(IMAGE_FOLDER, 'lay_extension.py')], env],
  ] as const) {
    const { status, stderr } = spawnSync('python3', args, { env: given, encoding: 'utf8', timeout: 240_000 });
    if (status !== 0) return `bqemulator could not be installed: ${stderr.slice(-500)}`;
  }
  return null;
}
