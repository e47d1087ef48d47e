/**
 * Which records of a compacted partition stay: of each key the last, and a tombstone until its time is over. Records
 * of aborted transactions go at once, markers when nothing is left that they decide about.
 * Source: https://kafka.apache.org/documentation/#compaction.
 */
import { ErrataError } from '../../messages/errata_error.ts';
import { type BatchHeader, readBatchHeader, withRecords } from '../../wire/record_batch.ts';
import { RecordCursor } from '../../wire/record_cursor.ts';

/** What the offsets of one cleaning may take; a longer log is cleaned in several goes. */
const MAX_MAP_BYTES = 64 * 1024 * 1024;
const BYTES_PER_ENTRY = 64;

/** For each key the last offset at which it stands. */
export class LatestOffsets {
  readonly #by_key = new Map<string, number>();
  #bytes = 0;

  get isFull(): boolean {
    return this.#bytes >= MAX_MAP_BYTES;
  }

  add(key: Buffer, offset: number): void {
    const text = key.toString('latin1');
    if (!this.#by_key.has(text)) this.#bytes += text.length + BYTES_PER_ENTRY;
    this.#by_key.set(text, offset);
  }

  isLatest(key: Buffer, offset: number): boolean {
    return (this.#by_key.get(key.toString('latin1')) ?? offset) <= offset;
  }
}

/** Aborted transactions of one partition, from their first offset to their marker. */
export class AbortedRanges {
  readonly #by_producer: Map<number, { first_offset: number; last_offset: number }[]>;

  constructor(rows: readonly { producer_id: number; first_offset: number; last_offset: number }[]) {
    this.#by_producer = Map.groupBy(rows, ({ producer_id }) => producer_id);
  }

  holds({ producer_id, base_offset, is_transactional }: BatchHeader): boolean {
    if (!is_transactional) return false;
    const ranges = this.#by_producer.get(producer_id) ?? [];
    return ranges.some(
      ({ first_offset, last_offset }) => first_offset <= base_offset && base_offset < last_offset,
    );
  }
}

/** Takes note of the keys of one batch. */
export function noteKeys(batch: Buffer, aborted: AbortedRanges, latest: LatestOffsets): void {
  const header = readBatchHeader(batch, 0)!;
  if (header.is_control || aborted.holds(header)) return;
  readable(() => {
    const cursor = new RecordCursor();
    cursor.open(batch, header);
    while (cursor.next()) if (cursor.key_start >= 0) latest.add(cursor.key()!, cursor.offset);
  });
}

export interface Cleaning {
  latest: LatestOffsets;
  aborted: AbortedRanges;
  /** Tombstones and markers below it have stood long enough for every reader to have seen them. */
  settled_offset: number;
}

/** What stays of a batch: the same buffer if all does, null if nothing. A batch that cannot be read stays. */
export function cleaned(batch: Buffer, cleaning: Cleaning): Buffer | null {
  const header = readBatchHeader(batch, 0)!;
  if (header.is_control) return header.last_offset < cleaning.settled_offset ? null : batch;
  if (cleaning.aborted.holds(header)) return null;
  const kept = readable(() => latestOf(batch, header, cleaning));
  return kept === undefined ? batch : kept;
}

function latestOf(batch: Buffer, header: BatchHeader, { latest, settled_offset }: Cleaning): Buffer | null {
  const cursor = new RecordCursor();
  cursor.open(batch, header);
  const kept: Buffer[] = [];
  let max_timestamp_ms = -1;
  let start = cursor.position;
  while (cursor.next()) {
    const end = cursor.position;
    const is_over = cursor.value_start < 0 && cursor.offset < settled_offset;
    if (!is_over && cursor.key_start >= 0 && latest.isLatest(cursor.key()!, cursor.offset)) {
      kept.push(cursor.buffer.subarray(start, end));
      max_timestamp_ms = Math.max(max_timestamp_ms, cursor.timestamp_ms);
    }
    start = end;
  }
  if (kept.length === header.record_count) return batch;
  return kept.length === 0 ? null : withRecords(batch, header, kept, max_timestamp_ms);
}

/** Packed batches are stored unopened, so what is in them may be broken. */
function readable<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (thrown) {
    if (thrown instanceof ErrataError) return undefined;
    throw thrown;
  }
}
