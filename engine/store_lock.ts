/**
 * A lock on a folder: held by one thread of one process at a time, and given back by the operating system when that
 * dies. (SQLite's exclusive lock on a file: the only one that Node has, and it tells threads apart, too.)
 */
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

export interface StoreLock {
  release(): void;
}

/** Null where somebody else holds it. */
export function lockFolder(folder: string): StoreLock | null {
  const file = new DatabaseSync(join(folder, 'lock'), { timeout: 0 });
  try {
    file.exec('BEGIN EXCLUSIVE');
    return { release: () => file.close() };
  } catch (error) {
    file.close();
    if (/locked/.test(String(error))) return null;
    throw error;
  }
}
