/**
 * Compacts partitions in small steps between requests. A cleaning goes over what is new since the last one to learn
 * the last offset of each key, then over the whole log below to remove what these have replaced.
 *
 * It ends before the last batch below the last stable offset, so that a reader always finds a batch there and knows
 * that it has come to the end.
 */
import type { StatementSync } from 'node:sqlite';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { readBatchHeader } from '../../wire/record_batch.ts';
import { AbortedRanges, type Cleaning, cleaned, LatestOffsets, noteKeys } from './compaction.ts';
import type { Database } from './database.ts';
import { asBuffer } from './partition_log.ts';
import { configNumber, isCompacted } from './topic_config.ts';
import type { Partition, Topics } from './topics.ts';

/** So long a step may hold up requests. */
const STEP_MS = 4;

/** How a partition stands since its last cleanings. */
interface Progress {
  /** All below it has been cleaned once. */
  first_dirty_offset: number;
  clean_bytes: number;
  /** All below it was cleaned more than `delete.retention.ms` ago. */
  settled_offset: number;
}

export class Cleaner {
  readonly #db: Database;
  readonly #topics: Topics;
  readonly #last_below: StatementSync;
  readonly #too_new: StatementSync;
  readonly #sizes: StatementSync;
  readonly #next: StatementSync;
  readonly #remove: StatementSync;
  readonly #replace: StatementSync;
  #is_running = false;
  #is_stopped = false;

  constructor(db: Database, topics: Topics) {
    this.#db = db;
    this.#topics = topics;
    const batches = 'FROM batches WHERE partition_id = ? AND base_offset';
    this.#last_below = db.prepare(`SELECT base_offset ${batches} < ? ORDER BY base_offset DESC LIMIT 1`);
    const range = `${batches} >= ? AND base_offset < ?`;
    this.#too_new = db.prepare(
      `SELECT base_offset ${range} AND max_timestamp_ms > ? ORDER BY base_offset LIMIT 1`,
    );
    this.#sizes = db.prepare(`SELECT size_bytes, max_timestamp_ms ${range} ORDER BY base_offset`);
    this.#next = db.prepare(`SELECT data ${range} ORDER BY base_offset LIMIT 1`);
    this.#remove = db.prepare('DELETE FROM batches WHERE partition_id = ? AND base_offset = ?');
    this.#replace = db.prepare(
      'UPDATE batches SET data = ?, size_bytes = ?, max_timestamp_ms = ? WHERE partition_id = ? AND base_offset = ?',
    );
  }

  /** Cleans every partition that has enough new records; does nothing while a round is under way. */
  async round(now_ms: number): Promise<void> {
    if (this.#is_running) return;
    this.#is_running = true;
    try {
      for (const topic of this.#topics.all()) {
        if (!isCompacted(topic.configs)) continue;
        for (const partition of topic.partitions) await this.#cleanIfDirty(partition, now_ms);
      }
    } finally {
      this.#is_running = false;
    }
  }

  /** Between two steps; a partition that is only half cleaned is cleaned anew the next time. */
  stop(): void {
    this.#is_stopped = true;
  }

  async #cleanIfDirty(partition: Partition, now_ms: number): Promise<void> {
    if (this.#is_stopped || this.#topics.byId(partition.partition_id) !== partition) return;
    const progress = this.#progress(partition, now_ms);
    const end = this.#cleanableEnd(partition, progress.first_dirty_offset, now_ms);
    if (!this.#isDirtyEnough(partition, progress, end, now_ms)) return;
    const steps = this.#clean(partition, progress, end, now_ms);
    for (let is_done = false; !is_done; await nextTurn()) {
      if (this.#is_stopped || this.#topics.byId(partition.partition_id) !== partition) return;
      is_done = await this.#db.write(() => runFor(STEP_MS, steps));
    }
  }

  /** Rests after every batch. */
  *#clean(partition: Partition, progress: Progress, end: number, now_ms: number): Generator<void> {
    const aborted = new AbortedRanges(this.#abortedIn(partition));
    const cleaning: Cleaning = {
      latest: new LatestOffsets(),
      aborted,
      settled_offset: progress.settled_offset,
    };
    let dirty_end = progress.first_dirty_offset;
    for (const batch of this.#batches(partition, dirty_end, end)) {
      noteKeys(batch, aborted, cleaning.latest);
      dirty_end = readBatchHeader(batch, 0)!.last_offset + 1;
      if (cleaning.latest.isFull) break;
      yield;
    }
    let clean_bytes = 0;
    for (const batch of this.#batches(partition, 0, dirty_end)) {
      clean_bytes += this.#keep(partition, batch, cleaned(batch, cleaning));
      yield;
    }
    this.#note(partition, progress, dirty_end, clean_bytes, now_ms);
  }

  *#batches(partition: Partition, from: number, end: number): Generator<Buffer> {
    for (let offset = from; ; ) {
      const row = this.#next.get(partition.partition_id, offset, end);
      if (row === undefined) return;
      const batch = asBuffer(row.data as Uint8Array);
      offset = readBatchHeader(batch, 0)!.last_offset + 1;
      yield batch;
    }
  }

  /** Stores what is left of a batch and returns its size. */
  #keep({ partition_id }: Partition, batch: Buffer, kept: Buffer | null): number {
    if (kept === batch) return batch.length;
    const { base_offset, last_offset, is_control } = readBatchHeader(batch, 0)!;
    if (kept !== null) {
      const { max_timestamp_ms } = readBatchHeader(kept, 0)!;
      this.#replace.run(kept, kept.length, max_timestamp_ms, partition_id, base_offset);
      return kept.length;
    }
    this.#remove.run(partition_id, base_offset);
    // Without its marker an aborted transaction would seem to go on, and hide what its producer wrote later.
    const forget = 'DELETE FROM aborted_transactions WHERE partition_id = ? AND last_offset = ?';
    if (is_control) this.#db.prepare(forget).run(partition_id, last_offset);
    return 0;
  }

  #progress({ partition_id, topic }: Partition, now_ms: number): Progress {
    const rows = this.#db
      .prepare('SELECT * FROM cleanings WHERE partition_id = ? ORDER BY end_offset DESC')
      .all(partition_id) as unknown as { end_offset: number; cleaned_ms: number; clean_bytes: number }[];
    const settled_ms = now_ms - configNumber(topic.configs, 'delete.retention.ms');
    return {
      first_dirty_offset: rows[0]?.end_offset ?? 0,
      clean_bytes: rows[0]?.clean_bytes ?? 0,
      settled_offset: rows.find(({ cleaned_ms }) => cleaned_ms <= settled_ms)?.end_offset ?? 0,
    };
  }

  #note(
    { partition_id }: Partition,
    progress: Progress,
    end_offset: number,
    clean_bytes: number,
    now_ms: number,
  ): void {
    this.#db
      .prepare('DELETE FROM cleanings WHERE partition_id = ? AND end_offset < ?')
      .run(partition_id, progress.settled_offset);
    this.#db
      .prepare('INSERT OR REPLACE INTO cleanings VALUES (?, ?, ?, ?)')
      .run(partition_id, end_offset, now_ms, clean_bytes);
  }

  #abortedIn({ partition_id }: Partition) {
    const rows = this.#db
      .prepare('SELECT * FROM aborted_transactions WHERE partition_id = ?')
      .all(partition_id);
    return rows as unknown as { producer_id: number; first_offset: number; last_offset: number }[];
  }

  #cleanableEnd(partition: Partition, from: number, now_ms: number): number {
    const { partition_id, last_stable_offset, topic } = partition;
    const last = this.#last_below.get(partition_id, last_stable_offset);
    if (last === undefined) return 0;
    const end = last.base_offset as number;
    const lag_ms = configNumber(topic.configs, 'min.compaction.lag.ms');
    if (lag_ms === 0) return end;
    const too_new = this.#too_new.get(partition_id, from, end, now_ms - lag_ms);
    return (too_new?.base_offset as number | undefined) ?? end;
  }

  /** By the share of new bytes, or because the oldest new record has waited long enough. */
  #isDirtyEnough(partition: Partition, progress: Progress, end: number, now_ms: number): boolean {
    const { configs } = partition.topic;
    const ratio = configNumber(configs, 'min.cleanable.dirty.ratio');
    const max_lag_ms = configNumber(configs, 'max.compaction.lag.ms');
    let dirty_bytes = 0;
    const rows = this.#sizes.iterate(partition.partition_id, progress.first_dirty_offset, end);
    for (const row of rows) {
      dirty_bytes += row.size_bytes as number;
      if (dirty_bytes > ratio * (dirty_bytes + progress.clean_bytes)) return true;
      if ((row.max_timestamp_ms as number) < now_ms - max_lag_ms) return true;
    }
    return false;
  }
}

/** Goes on with the steps for so long; whether they are done. */
function runFor(limit_ms: number, steps: Generator<void>): boolean {
  const end_ms = performance.now() + limit_ms;
  for (;;) {
    if (steps.next().done) return true;
    if (performance.now() >= end_ms) return false;
  }
}
