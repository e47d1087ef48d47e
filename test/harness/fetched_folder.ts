/** What tests fetch once and keep in the cache folder. */
import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';

export function cacheFolder(...names: string[]): string {
  return resolve(process.env.ERRATA_CACHE ?? join(import.meta.dirname, '../../.cache'), ...names);
}

/**
 * Has `fill` make the folder, unless it is there. Into a folder of its own first, so that a cut download is never taken for a whole
 * one. Null, or what `fill` says is missing.
 */
export function fetchedFolder(folder: string, fill: (into: string) => string | null): string | null {
  if (existsSync(folder)) return null;
  const into = `${folder}-download-${process.pid}`;
  mkdirSync(dirname(into), { recursive: true });
  const missing = fill(into);
  // Another run may have been quicker; then its folder stays.
  if (missing === null && !existsSync(folder)) renameSync(into, folder);
  rmSync(into, { recursive: true, force: true });
  return missing;
}
