/** The gate of a topology: bytes of a source record → prediction or feedback in event time, or why it is bad. */
import { type Decoded, decode } from '../messages/decode.ts';
import { toIso } from '../messages/timestamp.ts';
import type { Context, SourceRecord } from './actor.ts';

export interface Limits {
  max_ahead_ms: number;
  max_record_bytes: number;
}

/**
 * Decodes, and refuses event times far ahead of Kafka's timestamp: one record from 2099 must not close every window.
 * A record without a Kafka timestamp is compared with the wall clock.
 */
export function admit(record: SourceRecord, limits: Limits, context: Context): Decoded {
  const decoded = decode(record.value, limits.max_record_bytes);
  if (decoded.kind === 'bad') return decoded;
  const written_ms = record.timestamp_ms >= 0 ? record.timestamp_ms : context.now_ms;
  const ahead_ms = decoded.time_ms - written_ms;
  if (ahead_ms <= limits.max_ahead_ms) return decoded;
  return {
    kind: 'bad',
    code: 'timestamp_ahead',
    message: `timestamp ${toIso(decoded.time_ms)} is ${Math.round(ahead_ms / 1000)} s ahead of when the record was written`,
  };
}

export function positionOf({ topic, partition, offset }: SourceRecord): string {
  return `${topic}/${partition}/${offset}`;
}
