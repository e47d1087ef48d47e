/**
 * How errata writes records of its own topics, and how it recognises them again. Bytes in topics are a public
 * format: each internal record carries its kind and version in the header `errata`.
 */
import { createHash } from 'node:crypto';
import type { BadRecord, SourceRecord } from '../actors/actor.ts';
import { ErrataError, errorMessage } from '../messages/errata_error.ts';
import type { OutputRecord } from './effects.ts';
import type { LogRecord } from './partition_reader.ts';
import type { WatermarkRecord } from './watermarks.ts';

export const FORMAT_HEADER = 'errata';
const DATA_FORMAT = 'd3';
const WATERMARK_FORMAT = 'w1';
/** Where a re-keyed source record first stood: `topic/partition/offset`. */
const POSITION_HEADER = 'errata.position';

const DEAD_LETTER_MAX_BYTES = 256 * 1024;
/** A reason quotes what it is about, which may be long. */
const REASON_MAX_CHARACTERS = 8 * 1024;
/** A kind and a version, of this errata or of another. */
const ANY_FORMAT = /^[a-z]\d+$/;

export const DATA_HEADERS: Record<string, string> = { [FORMAT_HEADER]: DATA_FORMAT };

type Written = Pick<OutputRecord, 'key' | 'value' | 'headers' | 'timestamp_ms'>;

export function writeWatermark(record: WatermarkRecord): Written {
  return { key: record.task, value: JSON.stringify(record), headers: { [FORMAT_HEADER]: WATERMARK_FORMAT } };
}

export type InternalRecord =
  | { type: 'data'; value: unknown }
  | { type: 'watermark'; record: WatermarkRecord };

/** Throws E_RECORD_FORMAT for what another version of errata wrote, E_RECORD_FOREIGN for what none did. */
export function readInternal(record: LogRecord): InternalRecord {
  const format = formatOf(record);
  if (format === DATA_FORMAT) return { type: 'data', value: parseOwn(record) };
  return { type: 'watermark', record: parseOwn(record) as WatermarkRecord };
}

/** As `readInternal`, of a record that is handed on unread. */
export function formatOf(record: LogRecord): typeof DATA_FORMAT | typeof WATERMARK_FORMAT {
  const format = record.headers[FORMAT_HEADER];
  if (format === DATA_FORMAT || format === WATERMARK_FORMAT) return format;
  if (format !== undefined && ANY_FORMAT.test(format))
    throw new ErrataError(
      'E_RECORD_FORMAT',
      `an internal record of format ${format} at offset ${record.offset}`,
      {
        hint: 'another version of errata wrote it: read it with that version, or a newer one',
      },
    );
  throw new ErrataError('E_RECORD_FOREIGN', 'a record on an internal topic that errata did not write', {
    hint: 'only errata may write to its internal topics',
  });
}

function parseOwn({ value }: LogRecord): unknown {
  try {
    return JSON.parse(value?.toString('utf8') ?? 'null');
  } catch (cause) {
    throw new ErrataError('E_RECORD_FOREIGN', `an internal record that is no JSON: ${errorMessage(cause)}`, {
      cause,
    });
  }
}

/** What another version wrote is neither skipped nor set aside: whoever reads it stops and says why. */
export function isOtherVersion(error: unknown): boolean {
  return error instanceof ErrataError && error.code === 'E_RECORD_FORMAT';
}

/** A re-keyed record keeps key, value, headers and time, and says where it stood. */
export function writeRekeyed(record: SourceRecord): Written {
  const { topic, partition, offset, key, value, timestamp_ms } = record;
  return {
    key,
    value,
    timestamp_ms,
    headers: { ...withoutFormat(record.headers), [POSITION_HEADER]: `${topic}/${partition}/${offset}` },
  };
}

/** As it came: key, value, headers and time. */
export function writePassedOn({
  key,
  value,
  timestamp_ms,
  headers,
}: SourceRecord): Written & { key: Buffer | null } {
  return { key, value, timestamp_ms, headers: withoutFormat(headers) };
}

/** What a producer wrote must not pass for a record of errata. */
export function withoutFormat(all: Record<string, string>): Record<string, string> {
  const { [FORMAT_HEADER]: _, ...headers } = all;
  return headers;
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
 * The original bytes, with what is wrong in headers. Headers, key and value together may take 256 KB; what does not
 * fit any more stays where it is: hash, size and position say which bytes they were.
 */
export function writeDeadLetter(record: SourceRecord, reason: BadRecord): Written {
  const { key, value } = record;
  const size_bytes = value?.length ?? 0;
  const headers =
    Object.keys(record.headers).length === 0 ? null : Buffer.from(JSON.stringify(record.headers));
  let room_bytes = DEAD_LETTER_MAX_BYTES;
  const fits = (part: Buffer | null) => {
    const part_bytes = part?.length ?? 0;
    if (part_bytes > room_bytes) return false;
    room_bytes -= part_bytes;
    return true;
  };
  const [keeps_headers, keeps_key, keeps_value] = [fits(headers), fits(key), fits(value)];
  return {
    key: keeps_key ? key : null,
    value: keeps_value ? value : null,
    headers: {
      ...(keeps_headers ? record.headers : leftOut('errata.headers_', headers!)),
      ...(keeps_key ? {} : leftOut('errata.key_', key!)),
      'errata.code': reason.code,
      'errata.message': reason.message.slice(0, REASON_MAX_CHARACTERS),
      ...(reason.stack === undefined ? {} : { 'errata.stack': reason.stack.slice(0, REASON_MAX_CHARACTERS) }),
      'errata.source': record.source,
      [POSITION_HEADER]: `${record.topic}/${record.partition}/${record.offset}`,
      'errata.timestamp_ms': String(record.timestamp_ms),
      'errata.size_bytes': String(size_bytes),
      ...(keeps_value ? {} : leftOut('errata.', value!)),
    },
  };
}

/** `headers` are hashed as the JSON of their object. */
function leftOut(prefix: string, part: Buffer): Record<string, string> {
  return {
    [`${prefix}size_bytes`]: String(part.length),
    [`${prefix}sha256`]: createHash('sha256').update(part).digest('hex'),
  };
}
