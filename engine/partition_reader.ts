/**
 * Turns what a fetch brought for one partition into batches whose records can be read one after the other.
 *
 * 1. Every batch's CRC is checked before its records are seen. What stands before a broken batch is handed out,
 *    the broken one and what follows is not.
 * 2. With read_committed, records of aborted transactions are skipped: the broker's list is sorted by first
 *    offset before use (it lists by completion), and a producer's entry is spent at its abort marker (KIP-98).
 * 3. Control batches are skipped, but take offsets: the next offset is always last batch offset + 1.
 */
import type { FetchedPartition } from '../wire/fetch.ts';
import { type BatchHeader, batchesIn, validateBatch } from '../wire/record_batch.ts';
import { controlType, RecordCursor, unpackedRecords } from '../wire/record_cursor.ts';
import type { Lease } from './frame_buffers.ts';
import { textHeaders } from './header_values.ts';

export interface LogRecord {
  offset: number;
  timestamp_ms: number;
  key: Buffer | null;
  value: Buffer | null;
  headers: Record<string, string>;
}

/** A checked batch of data. Its bytes share memory with the response, unless they were unpacked. */
interface ReadableBatch {
  header: BatchHeader;
  records: Buffer;
}

export interface Chunk {
  batches: readonly ReadableBatch[];
  /** Records before it are passed over: a batch may begin before the offset that was asked for. */
  from_offset: number;
  /** Where the next fetch goes on. */
  next_offset: number;
  size_bytes: number;
  /** Released by who has read it all and keeps nothing of it. */
  lease?: Lease;
}

const NO_HEADERS: Record<string, string> = Object.freeze({});

/** What can be read from `position` on. `broken`: why it ends early. */
export function readChunk(fetched: FetchedPartition, position: number): { chunk: Chunk; broken: unknown } {
  const batches: ReadableBatch[] = [];
  const chunk = { batches, from_offset: position, next_offset: position, size_bytes: 0 };
  try {
    if (fetched.records) readBatches(fetched.records, fetched.aborted_transactions ?? [], chunk);
    return { chunk, broken: undefined };
  } catch (broken) {
    return { chunk, broken };
  }
}

function readBatches(
  buffer: Buffer,
  aborted_transactions: readonly AbortedTransaction[],
  chunk: Chunk & { batches: ReadableBatch[] },
): void {
  const aborted = new AbortedTransactions(aborted_transactions);
  const cursor = new RecordCursor();
  for (const header of batchesIn(buffer)) {
    validateBatch(buffer, header);
    if (!aborted.hides(header, buffer) && !header.is_control) {
      const records = unpackedRecords(buffer, header);
      cursor.openUnpacked(records, header);
      while (cursor.next());
      chunk.batches.push({ header, records });
    }
    chunk.next_offset = Math.max(chunk.next_offset, header.last_offset + 1);
    chunk.size_bytes += header.size_bytes;
  }
}

/** Goes over the records of one chunk after the other. Nothing is allocated per record. */
export class ChunkReader {
  /** On the record that `next` came to. */
  readonly cursor = new RecordCursor();
  #chunk: Chunk | undefined;
  #next_batch = 0;
  #is_open = false;

  open(chunk: Chunk): void {
    this.#chunk = chunk;
    this.#next_batch = 0;
    this.#is_open = false;
  }

  /** False at the end of the chunk. */
  next(): boolean {
    for (;;) {
      if (this.#is_open) {
        while (this.cursor.next()) if (this.cursor.offset >= this.#chunk!.from_offset) return true;
        this.#is_open = false;
      }
      const batch = this.#chunk?.batches[this.#next_batch++];
      if (!batch) return false;
      this.cursor.openUnpacked(batch.records, batch.header);
      this.#is_open = true;
    }
  }

  /** The record as an object; key and value share memory with the chunk. */
  record(): LogRecord {
    const { cursor } = this;
    return {
      offset: cursor.offset,
      timestamp_ms: cursor.timestamp_ms,
      key: cursor.key(),
      value: cursor.value(),
      headers: cursor.header_count === 0 ? NO_HEADERS : textHeaders(cursor.headers()),
    };
  }
}

/** All records of a chunk, where there is no hurry. */
export function* recordsIn(chunk: Chunk): Generator<LogRecord> {
  const reader = new ChunkReader();
  reader.open(chunk);
  while (reader.next()) yield reader.record();
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
