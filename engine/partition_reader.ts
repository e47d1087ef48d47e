/**
 * Turns what a fetch brought for one partition into records.
 *
 * 1. Every batch's CRC is checked before its records are seen. What stands before a broken batch is handed out,
 *    the broken one and what follows is not.
 * 2. With read_committed, records of aborted transactions are skipped: the broker's list is sorted by first
 *    offset before use (it lists by completion), and a producer's entry is spent at its abort marker (KIP-98).
 * 3. Control batches are skipped, but take offsets: the next offset is always last batch offset + 1.
 */
import type { FetchedPartition } from '../wire/fetch.ts';
import { type BatchHeader, batchesIn, validateBatch } from '../wire/record_batch.ts';
import { controlType, RecordCursor } from '../wire/record_cursor.ts';

export interface LogRecord {
  offset: number;
  timestamp_ms: number;
  key: Buffer | null;
  value: Buffer | null;
  headers: Record<string, string>;
}

export interface Chunk {
  records: LogRecord[];
  /** Where the next fetch goes on. */
  next_offset: number;
  size_bytes: number;
}

const NO_HEADERS: Record<string, string> = Object.freeze({});

/** Records from `position` on; key and value share memory with the response. `broken`: why it ends early. */
export function readChunk(fetched: FetchedPartition, position: number): { chunk: Chunk; broken: unknown } {
  const chunk: Chunk = { records: [], next_offset: position, size_bytes: 0 };
  try {
    if (fetched.records) readBatches(fetched.records, fetched.aborted_transactions ?? [], chunk, position);
    return { chunk, broken: undefined };
  } catch (broken) {
    // What of the broken batch was read is taken back.
    while (chunk.records.length > 0 && chunk.records.at(-1)!.offset >= chunk.next_offset) chunk.records.pop();
    return { chunk, broken };
  }
}

function readBatches(
  buffer: Buffer,
  aborted_transactions: readonly AbortedTransaction[],
  chunk: Chunk,
  position: number,
): void {
  const aborted = new AbortedTransactions(aborted_transactions);
  const cursor = new RecordCursor();
  for (const batch of batchesIn(buffer)) {
    validateBatch(buffer, batch);
    if (!aborted.hides(batch, buffer) && !batch.is_control)
      appendRecords(cursor, buffer, batch, chunk, position);
    chunk.next_offset = Math.max(chunk.next_offset, batch.last_offset + 1);
    chunk.size_bytes += batch.size_bytes;
  }
}

function appendRecords(
  cursor: RecordCursor,
  buffer: Buffer,
  batch: BatchHeader,
  chunk: Chunk,
  position: number,
): void {
  cursor.open(buffer, batch);
  while (cursor.next()) {
    // A batch may begin before the offset that was asked for.
    if (cursor.offset < position) continue;
    chunk.records.push({
      offset: cursor.offset,
      timestamp_ms: cursor.timestamp_ms,
      key: cursor.key(),
      value: cursor.value(),
      headers: cursor.header_count === 0 ? NO_HEADERS : textHeaders(cursor.headers()),
    });
  }
}

function textHeaders(headers: [string, Buffer | null][]): Record<string, string> {
  return Object.fromEntries(headers.map(([name, value]) => [name, value?.toString('utf8') ?? '']));
}

interface AbortedTransaction {
  producer_id: number;
  first_offset: number;
}

class AbortedTransactions {
  readonly #pending: AbortedTransaction[];
  readonly #active = new Set<number>();

  constructor(listed: readonly AbortedTransaction[]) {
    this.#pending = [...listed].sort((a, b) => b.first_offset - a.first_offset);
  }

  hides(batch: BatchHeader, buffer: Buffer): boolean {
    if (this.#pending.length === 0 && this.#active.size === 0) return false;
    while (this.#pending.length > 0 && this.#pending.at(-1)!.first_offset <= batch.last_offset)
      this.#active.add(this.#pending.pop()!.producer_id);
    if (!batch.is_transactional || !this.#active.has(batch.producer_id)) return false;
    if (batch.is_control && controlType(buffer, batch) === 'abort') this.#active.delete(batch.producer_id);
    return true;
  }
}
