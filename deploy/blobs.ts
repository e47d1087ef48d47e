/** Where a registry keeps its bytes: a directory now; an object store can implement the same three calls. */
import { randomUUID } from 'node:crypto';
import { mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';

export interface Blobs {
  /** null where there is none of that name. */
  read(name: string): Promise<Uint8Array | null>;
  /** All or nothing: a reader sees the old bytes or the new ones, also after a crash. */
  write(name: string, bytes: Uint8Array): Promise<void>;
  /** Names that start with `prefix`, a folder ending in `/`, sorted. */
  list(prefix: string): Promise<string[]>;
}

/** Blobs as files. What `write` has resolved for survives a loss of power. */
export class DiskBlobs implements Blobs {
  readonly #dir: string;

  constructor(dir: string) {
    this.#dir = dir;
  }

  async read(name: string): Promise<Uint8Array | null> {
    try {
      return await readFile(join(this.#dir, name));
    } catch (error) {
      if (isMissing(error)) return null;
      throw error;
    }
  }

  async write(name: string, bytes: Uint8Array): Promise<void> {
    const path = join(this.#dir, name);
    const temporary = `${path}.${randomUUID()}.tmp`;
    await mkdir(dirname(path), { recursive: true });
    try {
      await writeSynced(temporary, bytes);
      await rename(temporary, path);
    } catch (error) {
      await rm(temporary, { force: true });
      throw error;
    }
    await syncDirectory(dirname(path));
  }

  async list(prefix: string): Promise<string[]> {
    try {
      const names = await readdir(join(this.#dir, prefix));
      return names
        .filter((name) => !name.endsWith('.tmp'))
        .sort()
        .map((name) => prefix + name);
    } catch (error) {
      if (isMissing(error)) return [];
      throw error;
    }
  }
}

async function writeSynced(path: string, bytes: Uint8Array): Promise<void> {
  const file = await open(path, 'wx');
  try {
    await file.writeFile(bytes);
    await file.sync();
  } finally {
    await file.close();
  }
}

/** A rename is durable only once its directory is. */
async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, 'r');
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && (error as NodeJS.ErrnoException).code === 'ENOENT';
}
