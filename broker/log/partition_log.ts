/** The records of all partitions: appending, reading and deleting whole batches. */
import type { StatementSync } from 'node:sqlite';
import { type BatchHeader, patchBaseOffset, readBatchHeader } from '../../wire/record_batch.ts';
import { RecordCursor } from '../../wire/record_cursor.ts';
import type { Database } from './database.ts';
import { type ProducerStates, stableOffset } from './producer_states.ts';
import type { Partition } from './topics.ts';

const ATTRIBUTES_AT = 21;

interface BatchRow {
  base_offset: number;
  last_offset: number;
  max_timestamp_ms: number;
  size_bytes: number;
}

/** A transaction that was aborted: what its producer wrote from `first_offset` up to its marker is void. */
export interface AbortedTransaction {
  producer_id: number;
  first_offset: number;
}

export class PartitionLog {
  readonly #db: Database;
  readonly #producers: ProducerStates;
  readonly #insert: StatementSync;
  readonly #floor: StatementSync;
  readonly #read: StatementSync;
  readonly #sizes: StatementSync;
  readonly #by_time: StatementSync;
  readonly #one: StatementSync;
  readonly #aborted: StatementSync;
  /** Partitions with batches in the open transaction. */
  readonly #dirty = new Set<Partition>();

  constructor(db: Database, producers: ProducerStates) {
    this.#db = db;
    this.#producers = producers;
    this.#insert = db.prepare('INSERT INTO batches VALUES (?, ?, ?, ?, ?, ?, ?, ?)');
    this.#floor = db.prepare(
      'SELECT base_offset FROM batches WHERE partition_id = ? AND base_offset <= ? ORDER BY base_offset DESC LIMIT 1',
    );
    const range =
      'FROM batches WHERE partition_id = ? AND base_offset >= ? AND base_offset < ? ORDER BY base_offset';
    this.#read = db.prepare(`SELECT last_offset, data ${range}`);
    this.#sizes = db.prepare(`SELECT base_offset, last_offset, max_timestamp_ms, size_bytes ${range}`);
    this.#by_time = db.prepare(
      `SELECT base_offset FROM batches WHERE partition_id = ? AND max_timestamp_ms >= ? AND last_offset >= ?
         AND base_offset < ? ORDER BY base_offset LIMIT 1`,
    );
    this.#one = db.prepare('SELECT data FROM batches WHERE partition_id = ? AND base_offset = ?');
    this.#aborted = db.prepare(
      `SELECT producer_id, first_offset FROM aborted_transactions
         WHERE partition_id = ? AND last_offset >= ? AND first_offset < ? ORDER BY first_offset`,
    );
    db.afterCommit(() => this.#publish());
    db.afterRollback(() => this.#dirty.clear());
  }

  /** Appends one validated batch, patching its offset in place; resolves with its base offset when it is committed. */
  append(partition: Partition, batch: Buffer, header: BatchHeader): Promise<number> {
    return this.#db.write(() => {
      const base_offset = this.#store(partition, batch, header);
      if (header.producer_id >= 0) this.#producers.record(partition, header, base_offset);
      return base_offset;
    });
  }

  /** Resolves when all that was appended up to now is committed. */
  settled(): Promise<void> {
    return this.#db.settled();
  }

  /** Ends a producer's transaction in this partition; to be called within a `Database.write`. */
  appendMarker(partition: Partition, marker: Buffer, is_commit: boolean): void {
    const header = readBatchHeader(marker, 0)!;
    const offset = this.#store(partition, marker, header);
    this.#producers.end(partition, header.producer_id, header.producer_epoch, offset, is_commit);
  }

  /** What of the records from `from` up to `to` is void, in the order of its first offsets. */
  abortedTransactions(partition: Partition, from: number, to: number): AbortedTransaction[] {
    const rows = this.#aborted.all(partition.partition_id, from, to);
    return rows as unknown as AbortedTransaction[];
  }

  /**
   * Whole batches from the one that holds `offset` up to `end` (the high watermark or the last stable offset): at most
   * `max_bytes`, but one at least if `at_least_one`.
   */
  read(
    partition: Partition,
    offset: number,
    max_bytes: number,
    at_least_one: boolean,
    end = partition.high_watermark,
  ): Buffer[] {
    const batches: Buffer[] = [];
    if (offset >= end) return batches;
    let left = max_bytes;
    const from = this.#floorOffset(partition, offset);
    for (const row of this.#read.iterate(partition.partition_id, from, end)) {
      if ((row.last_offset as number) < offset) continue;
      const data = asBuffer(row.data as Uint8Array);
      if (data.length > left && !(at_least_one && batches.length === 0)) break;
      batches.push(data);
      left -= data.length;
      if (left <= 0) break;
    }
    return batches;
  }

  /** The bytes that can be read from `offset` up to `end`, counted only until there are `enough`. */
  availableBytes(
    partition: Partition,
    offset: number,
    enough: number,
    end = partition.high_watermark,
  ): number {
    if (offset >= end) return 0;
    if (enough <= 1) return 1;
    let bytes = 0;
    const from = this.#floorOffset(partition, offset);
    for (const row of this.#batchRows(partition, from, end)) {
      if (row.last_offset >= offset) bytes += row.size_bytes;
      if (bytes >= enough) break;
    }
    return bytes;
  }

  /** The first record below `end` at or after a time, or undefined if all are older. */
  offsetForTime(
    partition: Partition,
    time_ms: number,
    end = partition.high_watermark,
  ): { offset: number; timestamp_ms: number } | undefined {
    const { partition_id, log_start_offset } = partition;
    const found = this.#by_time.get(partition_id, time_ms, log_start_offset, end);
    if (found === undefined) return undefined;
    const data = asBuffer(this.#one.get(partition_id, found.base_offset as number)!.data as Uint8Array);
    const cursor = new RecordCursor();
    cursor.open(data, readBatchHeader(data, 0)!);
    while (cursor.next()) {
      const { offset, timestamp_ms } = cursor;
      if (timestamp_ms >= time_ms && offset >= log_start_offset) return { offset, timestamp_ms };
    }
    return undefined;
  }

  /** Moves the start of the log and removes the batches that lie below it whole. */
  async deleteBefore(partition: Partition, offset: number): Promise<void> {
    await this.#db.write(() => {
      const { partition_id, next_offset } = partition;
      this.#db
        .prepare('DELETE FROM batches WHERE partition_id = ? AND base_offset < ? AND last_offset < ?')
        .run(partition_id, offset, offset);
      this.#db
        .prepare('UPDATE partitions SET log_start_offset = ?, next_offset = ? WHERE partition_id = ?')
        .run(offset, next_offset, partition_id);
      this.#db
        .prepare('DELETE FROM aborted_transactions WHERE partition_id = ? AND last_offset < ?')
        .run(partition_id, offset);
      partition.log_start_offset = offset;
      this.#dirty.add(partition); // the last stable offset may move with it
    });
  }

  /** The start that the log should have so that nothing older than `before_ms` and not more than `max_bytes` stays. */
  retainedFrom(partition: Partition, before_ms: number, max_bytes: number): number {
    const rows = [...this.#batchRows(partition, 0, partition.high_watermark)];
    let excess = rows.reduce((sum, row) => sum + row.size_bytes, 0) - max_bytes;
    let start = partition.log_start_offset;
    for (const row of rows) {
      const too_much = excess >= row.size_bytes;
      if (!too_much && row.max_timestamp_ms >= before_ms) break;
      excess -= row.size_bytes;
      start = row.last_offset + 1;
    }
    return Math.max(start, partition.log_start_offset);
  }

  #store(partition: Partition, batch: Buffer, header: BatchHeader): number {
    const base_offset = partition.next_offset;
    const last_offset = base_offset + (header.last_offset - header.base_offset);
    patchBaseOffset(batch, 0, base_offset);
    this.#insert.run(
      partition.partition_id,
      base_offset,
      last_offset,
      header.max_timestamp_ms,
      batch.length,
      batch.readInt16BE(ATTRIBUTES_AT),
      header.producer_id,
      batch,
    );
    partition.next_offset = last_offset + 1;
    this.#dirty.add(partition);
    return base_offset;
  }

  #batchRows(partition: Partition, from: number, end: number): Iterable<BatchRow> {
    const rows = this.#sizes.iterate(partition.partition_id, from, end);
    return rows as Iterable<unknown> as Iterable<BatchRow>;
  }

  #floorOffset(partition: Partition, offset: number): number {
    const row = this.#floor.get(partition.partition_id, offset);
    return row === undefined ? offset : (row.base_offset as number);
  }

  #publish(): void {
    for (const partition of this.#dirty) {
      partition.high_watermark = partition.next_offset;
      partition.last_stable_offset = stableOffset(partition);
      for (const wake of [...partition.waiting]) wake();
    }
    this.#dirty.clear();
  }
}

/** Without copying. */
export function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
