/** The gate of a topology: bytes of a source record → prediction or feedback in event time, or why it is bad. */
import { type Decoded, decode } from '../messages/decode.ts';
import { RecordReader } from '../messages/record_reader.ts';
import { toIso } from '../messages/timestamp.ts';
import type { Context, SourceRecord } from './actor.ts';

export type Read = (bytes: Buffer | null) => Decoded;

/** Whole records, or of those that allow it only what is counted and joined by, which is much faster. */
export function readerOf(fields: 'all' | 'counted', max_record_bytes: number): Read {
  if (fields === 'all') return (bytes) => decode(bytes, max_record_bytes);
  const reader = new RecordReader(max_record_bytes);
  return (bytes) => reader.read(bytes);
}

/**
 * Decodes by `read`, and refuses event times far ahead of Kafka's timestamp: one record from 2099 must not close every
 * window. A record without a Kafka timestamp is compared with the wall clock.
 */
export function admit(record: SourceRecord, read: Read, max_ahead_ms: number, context: Context): Decoded {
  const decoded = read(record.value);
  if (decoded.kind === 'bad') return decoded;
  const written_ms = record.timestamp_ms >= 0 ? record.timestamp_ms : context.now_ms;
  const ahead_ms = decoded.time_ms - written_ms;
  if (ahead_ms <= max_ahead_ms) return decoded;
  return {
    kind: 'bad',
    code: 'timestamp_ahead',
    message: `timestamp ${toIso(decoded.time_ms)} is ${Math.round(ahead_ms / 1000)} s ahead of when the record was written`,
  };
}

export function positionOf({ topic, partition, offset }: SourceRecord): string {
  return `${topic}/${partition}/${offset}`;
}
