/**
 * How errata writes records of its own topics, and how it recognises them again. Bytes in topics are a public
 * format: each internal record carries its kind and version in the header `errata`.
 */
import { createHash } from 'node:crypto';
import type { BadRecord, SourceRecord } from '../actors/actor.ts';
import { ErrataError } from '../messages/errata_error.ts';
import type { OutputRecord } from './effects.ts';
import type { LogRecord } from './partition_reader.ts';
import type { WatermarkRecord } from './watermarks.ts';

export const FORMAT_HEADER = 'errata';
const DATA_FORMAT = 'd1';
const WATERMARK_FORMAT = 'w1';
/** Where a re-keyed source record first stood: `topic/partition/offset`. */
const POSITION_HEADER = 'errata.position';

const DEAD_LETTER_MAX_BYTES = 256 * 1024;

export const DATA_HEADERS: Record<string, string> = { [FORMAT_HEADER]: DATA_FORMAT };

type Written = Pick<OutputRecord, 'key' | 'value' | 'headers' | 'timestamp_ms'>;

export function writeWatermark(record: WatermarkRecord): Written {
  return { key: record.task, value: JSON.stringify(record), headers: { [FORMAT_HEADER]: WATERMARK_FORMAT } };
}

export type InternalRecord =
  | { type: 'data'; value: unknown }
  | { type: 'watermark'; record: WatermarkRecord };

/** Throws E_RECORD_FORMAT for what no version of errata wrote, or a newer one. */
export function readInternal(record: LogRecord): InternalRecord {
  const format = record.headers[FORMAT_HEADER];
  const text = record.value?.toString('utf8') ?? 'null';
  if (format === DATA_FORMAT) return { type: 'data', value: JSON.parse(text) };
  if (format === WATERMARK_FORMAT) return { type: 'watermark', record: JSON.parse(text) as WatermarkRecord };
  throw new ErrataError('E_RECORD_FORMAT', `an internal record of format ${format ?? '(none)'}`, {
    hint: 'only errata may write to its internal topics; a newer version needs a newer reader',
  });
}

/** A re-keyed record keeps key, value, headers and time, and says where it stood. */
export function writeRekeyed(record: SourceRecord): Written {
  const { topic, partition, offset, key, value, timestamp_ms } = record;
  // What a producer wrote must not pass for a record of errata.
  const { [FORMAT_HEADER]: _, ...headers } = record.headers;
  return {
    key,
    value,
    timestamp_ms,
    headers: { ...headers, [POSITION_HEADER]: `${topic}/${partition}/${offset}` },
  };
}

export function readSourceRecord(
  source: string,
  topic: string,
  partition: number,
  record: LogRecord,
): SourceRecord {
  const { offset, timestamp_ms, key, value, headers } = record;
  return { source, topic, partition, offset, timestamp_ms, key, value, headers };
}

/** As `readSourceRecord`, for a record that `writeRekeyed` wrote. */
export function readRekeyed(source: string, record: LogRecord): SourceRecord {
  const { [POSITION_HEADER]: position = '', ...headers } = record.headers;
  const { timestamp_ms, key, value } = record;
  return { source, ...parsePosition(position), timestamp_ms, key, value, headers };
}

/** Topic names hold no slash. */
function parsePosition(position: string): { topic: string; partition: number; offset: number } {
  const [topic = '', partition, offset] = position.split('/');
  return { topic, partition: Number(partition), offset: Number(offset) };
}

/**
 * The original bytes, with what is wrong in headers. Above 256 KB the bytes stay where they are: hash, size and
 * position say which they were.
 */
export function writeDeadLetter(record: SourceRecord, reason: BadRecord): Written {
  const { value } = record;
  const size_bytes = value?.length ?? 0;
  const fits = size_bytes <= DEAD_LETTER_MAX_BYTES;
  return {
    key: record.key,
    value: fits ? value : null,
    headers: {
      ...record.headers,
      'errata.code': reason.code,
      'errata.message': reason.message,
      ...(reason.stack === undefined ? {} : { 'errata.stack': reason.stack }),
      'errata.source': record.source,
      [POSITION_HEADER]: `${record.topic}/${record.partition}/${record.offset}`,
      'errata.timestamp_ms': String(record.timestamp_ms),
      'errata.size_bytes': String(size_bytes),
      ...(fits ? {} : { 'errata.sha256': createHash('sha256').update(value!).digest('hex') }),
    },
  };
}
