/**
 * Turns what a fetch brought for one partition into records.
 *
 * 1. Every batch's CRC is checked before its records are seen.
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

/** Records from `position` on. Key and value share memory with the response. */
export function readChunk(fetched: FetchedPartition, position: number): Chunk {
  const chunk: Chunk = { records: [], next_offset: position, size_bytes: 0 };
  const buffer = fetched.records;
  if (!buffer) return chunk;
  const aborted = new AbortedTransactions(fetched.aborted_transactions ?? []);
  const cursor = new RecordCursor();
  for (const batch of batchesIn(buffer)) {
    validateBatch(buffer, batch);
    if (!aborted.hides(batch, buffer) && !batch.is_control)
      appendRecords(cursor, buffer, batch, chunk, position);
    chunk.next_offset = Math.max(chunk.next_offset, batch.last_offset + 1);
    chunk.size_bytes += batch.size_bytes;
  }
  return chunk;
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

class AbortedTransactions {
  readonly #pending: { producer_id: number; first_offset: number }[];
  readonly #active = new Set<number>();

  constructor(listed: readonly { producer_id: number; first_offset: number }[]) {
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
