/**
 * The state of one task on disk (LMDB), and the changelog offset that it stands for.
 *
 * 1. What is on disk was committed before, and was written in one transaction with its offset.
 * 2. Every entry is as it was at that offset or at a later one, so reading the changelog from there on makes it whole.
 * 3. A folder belongs to one thread at a time. Who finds it taken (by a process that was stopped, say) uses the next.
 * 4. The changelog is the truth: a store that is broken, of another changelog or too old is thrown away. LMDB trusts its
 *    file, and a damaged one may end the process; so who opens it leaves a mark until it has been written to.
 */
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { open, type RootDatabase } from 'lmdb';
import { ErrataError, errorMessage } from '../messages/errata_error.ts';
import { DiskTable, type Guard } from './disk_table.ts';
import { STATE_FORMAT, type StateBackend } from './state.ts';
import { lockFolder, type StoreLock } from './store_lock.ts';

/** Raise it when what lies on disk changes its shape. */
const STORE_FORMAT = `${STATE_FORMAT}.1`;
/** So many changes go to disk at once; a restart reads as many again from the changelog. */
const WRITE_AT_ONCE = 10_000;
/** While nothing is processed, larger portions touch each page less often. */
const RESTORE_AT_ONCE = 50_000;
/** Tombstones are kept for a day in the changelog (`delete.retention.ms`): who is behind for longer may miss one. */
const MAX_AGE_MS = 12 * 3_600_000;
const WRITE_WITHIN_MS = 60_000;
const SLOTS_MAX = 16;
/** LMDB's named databases: two per store. */
const DATABASES_MAX = 256;
const FILES = 'lmdb';
/** How often a store was opened since it last proved itself. */
const ATTEMPTS = 'attempts';
const ATTEMPTS_MAX = 2;
const META = 'meta';

type Environment = RootDatabase<Meta, string>;

export interface StoreIdentity {
  /** One folder per task is made in it. */
  path: string;
  changelog: string;
  partition: number;
  cluster_id: string;
}

/** What the store says of itself. */
interface Meta {
  format: string;
  changelog: string;
  partition: number;
  cluster_id: string;
  next_offset: number;
  written_ms: number;
}

export class DiskStore implements StateBackend {
  readonly folder: string;
  readonly #lock: StoreLock;
  readonly #environment: Environment;
  readonly #identity: StoreIdentity;
  readonly #tables: DiskTable[] = [];
  readonly #now: () => number;
  #next_offset: number;
  #written_ms: number;
  #is_broken = false;
  #is_proven = false;
  #closing: Promise<void> | undefined;

  /** Throws E_STATE_STORE where no store can be made. `discarded`: why what was there is not used. */
  static async open(
    identity: StoreIdentity,
    now: () => number,
  ): Promise<{ store: DiskStore; discarded: string | null }> {
    try {
      const { folder, lock } = takeFolder(identity);
      const files = join(folder, FILES);
      const attempts = readAttempts(folder);
      writeFileSync(join(folder, ATTEMPTS), String(attempts + 1));
      const found = existsSync(files) ? await openFound(files, identity, attempts, now()) : null;
      if (found && 'environment' in found)
        return {
          store: new DiskStore(folder, lock, found.environment, identity, found.meta, now),
          discarded: null,
        };
      rmSync(files, { recursive: true, force: true });
      const meta = { next_offset: 0, written_ms: now() };
      const store = new DiskStore(folder, lock, openEnvironment(files), identity, meta, now);
      return { store, discarded: found?.discarded ?? null };
    } catch (error) {
      throw storeError(identity.path, error);
    }
  }

  private constructor(
    folder: string,
    lock: StoreLock,
    environment: Environment,
    identity: StoreIdentity,
    { next_offset, written_ms }: Pick<Meta, 'next_offset' | 'written_ms'>,
    now: () => number,
  ) {
    this.folder = folder;
    this.#lock = lock;
    this.#environment = environment;
    this.#identity = identity;
    this.#next_offset = next_offset;
    this.#written_ms = written_ms;
    this.#now = now;
  }

  get next_offset(): number {
    return this.#next_offset;
  }

  table(name: string, expires: boolean): DiskTable {
    const keyEncoding = 'binary';
    const files = {
      entries: this.#environment.openDB<string, Buffer>(`entries ${name}`, {
        encoding: 'string',
        keyEncoding,
      }),
      index: expires
        ? this.#environment.openDB<Buffer, Buffer>(`index ${name}`, { encoding: 'binary', keyEncoding })
        : null,
    };
    const table = new DiskTable(files, this.#guard);
    this.#tables.push(table);
    return table;
  }

  reached(next_offset: number): void {
    this.#next_offset = next_offset;
    this.#writeIfDue(RESTORE_AT_ONCE);
  }

  committed(offsets: number): void {
    for (const table of this.#tables) table.settle();
    this.#next_offset += offsets;
    this.#writeIfDue(WRITE_AT_ONCE);
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async discard(): Promise<void> {
    this.#is_broken = true;
    await this.close();
  }

  async #close(): Promise<void> {
    try {
      if (!this.#is_broken) this.#write();
    } finally {
      await this.#environment.close();
      if (this.#is_broken) rmSync(join(this.folder, FILES), { recursive: true, force: true });
      this.#lock.release();
    }
  }

  /** A store that fails once is not trusted again: it is removed when it is closed. */
  readonly #guard: Guard = (access) => {
    try {
      return access();
    } catch (error) {
      this.#is_broken = true;
      throw storeError(this.folder, error);
    }
  };

  #writeIfDue(at_once: number): void {
    let settled = 0;
    for (const table of this.#tables) settled += table.settled;
    if (!this.#is_proven || settled >= at_once || this.#now() - this.#written_ms > WRITE_WITHIN_MS)
      this.#write();
  }

  #write(): void {
    const meta: Meta = {
      format: STORE_FORMAT,
      changelog: this.#identity.changelog,
      partition: this.#identity.partition,
      cluster_id: this.#identity.cluster_id,
      next_offset: this.#next_offset,
      written_ms: this.#now(),
    };
    this.#guard(() =>
      this.#environment.transactionSync(() => {
        for (const table of this.#tables) table.write();
        this.#environment.putSync(META, meta);
      }),
    );
    if (!this.#is_proven) rmSync(join(this.folder, ATTEMPTS), { force: true });
    this.#is_proven = true;
    this.#written_ms = meta.written_ms;
    for (const table of this.#tables) table.onWritten();
  }
}

function openEnvironment(path: string): Environment {
  return open<Meta, string>({ path, maxDbs: DATABASES_MAX, encoding: 'json' });
}

async function openFound(
  files: string,
  identity: StoreIdentity,
  attempts: number,
  now_ms: number,
): Promise<{ environment: Environment; meta: Meta } | { discarded: string }> {
  if (attempts >= ATTEMPTS_MAX) return { discarded: `its process died ${attempts} times after opening it` };
  try {
    const environment = openEnvironment(files);
    const meta = environment.get(META);
    const why = whyUseless(meta, identity, now_ms);
    if (meta && why === null) return { environment, meta };
    await environment.close();
    return { discarded: why ?? 'it was never written' };
  } catch (error) {
    return { discarded: errorMessage(error) };
  }
}

function readAttempts(folder: string): number {
  const file = join(folder, ATTEMPTS);
  return existsSync(file) ? Number(readFileSync(file, 'utf8')) : 0;
}

function whyUseless(meta: Meta | undefined, identity: StoreIdentity, now_ms: number): string | null {
  if (!meta) return 'it was never written';
  if (meta.format !== STORE_FORMAT) return `it is of format ${meta.format}`;
  for (const field of ['changelog', 'partition', 'cluster_id'] as const)
    if (meta[field] !== identity[field]) return `it is of another ${field}: ${meta[field]}`;
  const age_ms = now_ms - meta.written_ms;
  return age_ms > MAX_AGE_MS ? `it was last written ${Math.round(age_ms / 3_600_000)} hours ago` : null;
}

/** The first folder that nobody holds. What others have left behind in further ones is removed. */
function takeFolder({ path, changelog, partition }: StoreIdentity): { folder: string; lock: StoreLock } {
  let taken: { folder: string; lock: StoreLock } | undefined;
  for (let slot = 0; slot < SLOTS_MAX; slot++) {
    const folder = join(path, `${changelog}-${partition}${slot === 0 ? '' : `.${slot}`}`);
    if (taken && !existsSync(folder)) break;
    mkdirSync(folder, { recursive: true });
    const lock = lockFolder(folder);
    if (!lock) continue;
    if (taken) {
      // Folder and lock stay: whoever is about to lock it must find the lock that others find.
      for (const left of [FILES, ATTEMPTS]) rmSync(join(folder, left), { recursive: true, force: true });
      lock.release();
    } else taken = { folder, lock };
  }
  if (taken) return taken;
  throw new ErrataError('E_STATE_STORE', `${SLOTS_MAX} others hold the state of ${changelog}/${partition}`);
}

function storeError(path: string, cause: unknown): ErrataError {
  if (cause instanceof ErrataError) return cause;
  return new ErrataError('E_STATE_STORE', `the state in ${path}: ${errorMessage(cause)}`, {
    hint: 'is there room on the disk, and may it be written? The state is restored from the changelog',
    cause,
  });
}
