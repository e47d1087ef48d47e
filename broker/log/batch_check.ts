/** What a batch must be before it is stored. */
import { ErrataError } from '../../messages/errata_error.ts';
import { type BatchHeader, readBatchHeader, validateBatch } from '../../wire/record_batch.ts';
import { RecordCursor } from '../../wire/record_cursor.ts';
import { KAFKA_ERROR } from '../error_codes.ts';
import { configNumber, configValue, isCompacted, type TopicConfigs } from './topic_config.ts';

const MAGIC_AT = 16;

export interface Refused {
  error_code: number;
  message: string;
}
export type Checked = { batch: Buffer; header: BatchHeader } | Refused;

/** A produce request carries exactly one batch per partition, whole and unharmed, with data and not a marker. */
export function checkBatch(records: Buffer, configs: TopicConfigs, now_ms: number): Checked {
  const magic = records[MAGIC_AT];
  if (magic === 0 || magic === 1) {
    return { error_code: KAFKA_ERROR.UNSUPPORTED_FOR_MESSAGE_FORMAT, message: `message format ${magic}` };
  }
  try {
    const header = readBatchHeader(records, 0);
    if (header === undefined) {
      return { error_code: KAFKA_ERROR.CORRUPT_MESSAGE, message: 'the batch is cut off' };
    }
    const refused = sizeProblem(header, configs) ?? contentProblem(records, header, configs, now_ms);
    return refused ?? { batch: records, header };
  } catch (thrown) {
    if (!(thrown instanceof ErrataError)) throw thrown;
    return { error_code: KAFKA_ERROR.CORRUPT_MESSAGE, message: thrown.message };
  }
}

function sizeProblem({ size_bytes }: BatchHeader, configs: TopicConfigs): Refused | undefined {
  const max_bytes = configNumber(configs, 'max.message.bytes');
  if (size_bytes <= max_bytes) return undefined;
  const message = `a batch of ${size_bytes} bytes exceeds max.message.bytes ${max_bytes}`;
  return { error_code: KAFKA_ERROR.MESSAGE_TOO_LARGE, message };
}

/** Throws if the batch is damaged. */
function contentProblem(
  records: Buffer,
  header: BatchHeader,
  configs: TopicConfigs,
  now_ms: number,
): Refused | undefined {
  validateBatch(records, header);
  const invalid = (message: string) => ({ error_code: KAFKA_ERROR.INVALID_RECORD, message });
  if (header.size_bytes !== records.length) return invalid('a request must carry one batch per partition');
  if (header.is_control) return invalid('clients may not write control batches');
  const offsets = header.last_offset - header.base_offset + 1;
  if (header.record_count !== offsets) return invalid(`${header.record_count} records at ${offsets} offsets`);
  if (header.producer_id >= 0 && header.base_sequence < 0)
    return invalid('a producer id without sequence number');
  if (isCompacted(configs)) {
    if (hasNullKey(records, header)) return invalid('a record without key in a compacted topic');
  } else if (header.compression === 'none') countRecords(records, header);
  return timeProblem(header, configs, now_ms);
}

/** Throws if the records are not as many and as long as the header says; packed ones are not unpacked for it. */
function countRecords(records: Buffer, header: BatchHeader): void {
  const cursor = new RecordCursor();
  cursor.open(records, header);
  while (cursor.next());
}

/** Compaction knows records by their keys. Throws like countRecords, also for packed ones. */
function hasNullKey(records: Buffer, header: BatchHeader): boolean {
  const cursor = new RecordCursor();
  cursor.open(records, header);
  let found = false;
  while (cursor.next()) found ||= cursor.key_start < 0;
  return found;
}

/** Limits for the producer's own times (KIP-937): Kafka 4 allows an hour ahead by default, and any time back. */
function timeProblem(header: BatchHeader, configs: TopicConfigs, now_ms: number): Refused | undefined {
  if (configValue(configs, 'message.timestamp.type') !== 'CreateTime') return undefined;
  const latest_ms = now_ms + configNumber(configs, 'message.timestamp.after.max.ms');
  const earliest_ms = now_ms - configNumber(configs, 'message.timestamp.before.max.ms');
  if (header.max_timestamp_ms <= latest_ms && header.base_timestamp_ms >= earliest_ms) return undefined;
  const message = `times ${header.base_timestamp_ms} to ${header.max_timestamp_ms} are too far from ${now_ms}`;
  return { error_code: KAFKA_ERROR.INVALID_TIMESTAMP, message };
}
