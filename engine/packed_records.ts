/** Records whose key and value stand in memory as bytes, and become objects only where one of them is refused. */
import type { BatchWriter } from '../wire/batch_writer.ts';

export interface PackedRecords {
  readonly length: number;
  /** As `BatchWriter.append`. */
  appendTo(batch: BatchWriter, index: number, headers: Buffer, timestamp_ms: number): boolean;
  at(index: number): { key: Buffer; value: Buffer | null };
}

/** Where they go. */
export interface PackedLane {
  topic: string;
  partition: number;
  headers: Record<string, string>;
  records: PackedRecords;
}

export function together(parts: readonly PackedRecords[]): PackedRecords {
  if (parts.length === 1) return parts[0]!;
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  const find = (index: number): [part: PackedRecords, index: number] => {
    let rest = index;
    for (const part of parts) {
      if (rest < part.length) return [part, rest];
      rest -= part.length;
    }
    throw new RangeError(`there are ${length} records, and no ${index}`);
  };
  return {
    length,
    appendTo: (batch, index, headers, timestamp_ms) => {
      const [part, own] = find(index);
      return part.appendTo(batch, own, headers, timestamp_ms);
    },
    at: (index) => {
      const [part, own] = find(index);
      return part.at(own);
    },
  };
}

export const NO_RECORDS = together([]);
