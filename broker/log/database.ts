/**
 * The broker's SQLite file. All writes of one turn of the event loop go into one transaction (group commit): `write`
 * joins the open one or begins it, and its promise settles when that transaction is committed.
 */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { ErrataError, errorMessage } from '../../messages/errata_error.ts';

const SCHEMA_1 = `
  CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
  CREATE TABLE topics (
    topic_id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE, configs TEXT NOT NULL);
  CREATE TABLE partitions (
    partition_id INTEGER PRIMARY KEY AUTOINCREMENT, topic_id INTEGER NOT NULL, partition INTEGER NOT NULL,
    log_start_offset INTEGER NOT NULL, next_offset INTEGER NOT NULL, UNIQUE (topic_id, partition));
  CREATE TABLE batches (
    partition_id INTEGER NOT NULL, base_offset INTEGER NOT NULL, last_offset INTEGER NOT NULL,
    max_timestamp_ms INTEGER NOT NULL, size_bytes INTEGER NOT NULL, attributes INTEGER NOT NULL,
    producer_id INTEGER NOT NULL, data BLOB NOT NULL);
  CREATE UNIQUE INDEX batches_by_offset
    ON batches (partition_id, base_offset, last_offset, max_timestamp_ms, size_bytes);
  CREATE TABLE group_offsets (
    group_id TEXT NOT NULL, topic TEXT NOT NULL, partition INTEGER NOT NULL, committed_offset INTEGER NOT NULL,
    leader_epoch INTEGER NOT NULL, metadata TEXT, committed_ms INTEGER NOT NULL,
    PRIMARY KEY (group_id, topic, partition)) WITHOUT ROWID;
`;

/** Transactions, the sequence numbers of idempotent producers, and how far compaction has come. */
const SCHEMA_2 = `
  CREATE TABLE producers (
    partition_id INTEGER NOT NULL, producer_id INTEGER NOT NULL, producer_epoch INTEGER NOT NULL,
    open_from INTEGER, updated_ms INTEGER NOT NULL, batches TEXT NOT NULL,
    PRIMARY KEY (partition_id, producer_id)) WITHOUT ROWID;
  CREATE TABLE transactions (
    transactional_id TEXT PRIMARY KEY, producer_id INTEGER NOT NULL, producer_epoch INTEGER NOT NULL,
    last_epoch INTEGER NOT NULL, timeout_ms INTEGER NOT NULL, state TEXT NOT NULL, started_ms INTEGER NOT NULL,
    updated_ms INTEGER NOT NULL, partitions TEXT NOT NULL, groups TEXT NOT NULL) WITHOUT ROWID;
  CREATE TABLE aborted_transactions (
    partition_id INTEGER NOT NULL, last_offset INTEGER NOT NULL, producer_id INTEGER NOT NULL,
    first_offset INTEGER NOT NULL, PRIMARY KEY (partition_id, last_offset)) WITHOUT ROWID;
  CREATE TABLE pending_offsets (
    position INTEGER PRIMARY KEY AUTOINCREMENT, producer_id INTEGER NOT NULL, group_id TEXT NOT NULL,
    topic TEXT NOT NULL, partition INTEGER NOT NULL, committed_offset INTEGER NOT NULL,
    leader_epoch INTEGER NOT NULL, metadata TEXT, is_superseded INTEGER NOT NULL DEFAULT 0,
    UNIQUE (producer_id, group_id, topic, partition));
  CREATE TABLE cleanings (
    partition_id INTEGER NOT NULL, end_offset INTEGER NOT NULL, cleaned_ms INTEGER NOT NULL,
    clean_bytes INTEGER NOT NULL, PRIMARY KEY (partition_id, end_offset)) WITHOUT ROWID;
`;

/** A file of version n has had the first n applied; an older one gets the rest when it is opened. */
const SCHEMAS = [SCHEMA_1, SCHEMA_2];

export type Row = Record<string, unknown>;

export class Database {
  readonly #db: DatabaseSync;
  #open: { done: Promise<void>; settle: (error?: unknown) => void } | undefined;
  readonly #after_commit: (() => void)[] = [];
  readonly #after_rollback: (() => void)[] = [];

  /** Throws ErrataError E_DATA_DIR_IN_USE, E_DATA_DIR_VERSION or E_DATA_DIR. */
  constructor(data_dir: string, synchronous: 'normal' | 'full') {
    this.#db = openFile(data_dir, synchronous);
  }

  prepare(sql: string): StatementSync {
    return this.#db.prepare(sql);
  }

  /** Runs `change` in the open transaction and resolves when it is committed. A failure rolls back all of the turn. */
  async write<T>(change: () => T): Promise<T> {
    const transaction = this.#open ?? this.#begin();
    let result: T;
    try {
      result = change();
    } catch (thrown) {
      this.#rollback(thrown);
      throw thrown;
    }
    await transaction.done;
    return result;
  }

  /** Resolves when all that was written up to now is committed. */
  async settled(): Promise<void> {
    await this.#open?.done;
  }

  /** Called after every commit, before those who wait for it continue. */
  afterCommit(callback: () => void): void {
    this.#after_commit.push(callback);
  }

  /** Called after a failed transaction: what was derived from it must be read again. */
  afterRollback(callback: () => void): void {
    this.#after_rollback.push(callback);
  }

  close(): void {
    this.#commit();
    this.#db.close();
  }

  #begin(): { done: Promise<void> } {
    this.#db.exec('BEGIN');
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    promise.catch(() => {}); // whoever wrote waits for it; nobody may
    this.#open = { done: promise, settle: (error) => (error === undefined ? resolve() : reject(error)) };
    setImmediate(() => this.#commit());
    return this.#open;
  }

  #commit(): void {
    const transaction = this.#open;
    if (transaction === undefined) return;
    try {
      this.#db.exec('COMMIT');
    } catch (thrown) {
      this.#rollback(thrown);
      return;
    }
    this.#open = undefined;
    for (const callback of this.#after_commit) callback();
    transaction.settle();
  }

  #rollback(error: unknown): void {
    const transaction = this.#open;
    this.#open = undefined;
    if (this.#db.isTransaction) this.#db.exec('ROLLBACK');
    for (const callback of this.#after_rollback) callback();
    transaction?.settle(error);
  }
}

function openFile(data_dir: string, synchronous: 'normal' | 'full'): DatabaseSync {
  try {
    mkdirSync(data_dir, { recursive: true });
    const db = new DatabaseSync(join(data_dir, 'broker.sqlite'));
    // Pages of 8 KB: small commits cost 26 µs of CPU (16 KB: 41), large ones no more than with 16 KB (4 KB: a third more).
    // The exclusive lock keeps a second process out, and ends with this process however it ends.
    db.exec('PRAGMA locking_mode = EXCLUSIVE; PRAGMA page_size = 8192; PRAGMA journal_mode = WAL;');
    db.exec(`PRAGMA synchronous = ${synchronous.toUpperCase()}; PRAGMA wal_autocheckpoint = 8192;`);
    db.exec('PRAGMA cache_size = -65536; PRAGMA journal_size_limit = 268435456;');
    db.exec('BEGIN IMMEDIATE');
    const found = createSchema(db);
    db.exec('COMMIT');
    if (found === SCHEMAS.length) return db;
    db.close();
    throw new ErrataError(
      'E_DATA_DIR_VERSION',
      `${data_dir} has format ${found}, this is ${SCHEMAS.length}`,
      {
        hint: 'use the version of errata that wrote it, or another data directory',
      },
    );
  } catch (thrown) {
    throw thrown instanceof ErrataError ? thrown : openError(data_dir, thrown);
  }
}

/** Creates the tables that the file does not have yet; returns its format version. */
function createSchema(db: DatabaseSync): number {
  const { user_version } = db.prepare('PRAGMA user_version').get() as { user_version: number };
  if (user_version >= SCHEMAS.length) return user_version;
  for (const schema of SCHEMAS.slice(user_version)) db.exec(schema);
  db.exec(`PRAGMA user_version = ${SCHEMAS.length}`);
  return SCHEMAS.length;
}

function openError(data_dir: string, thrown: unknown): ErrataError {
  const message = errorMessage(thrown);
  if (/database is locked/.test(message)) {
    return new ErrataError('E_DATA_DIR_IN_USE', `another broker is using ${data_dir}`, {
      hint: 'stop it, or choose another data directory',
      cause: thrown,
    });
  }
  return new ErrataError('E_DATA_DIR', `cannot open the broker's data in ${data_dir}: ${message}`, {
    cause: thrown,
  });
}
