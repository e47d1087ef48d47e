import { ErrataError } from '../../messages/errata_error.ts';
import {
  type BatchHeader,
  patchLogAppendTime,
  readBatchHeader,
  validateBatch,
} from '../../wire/record_batch.ts';
import { RecordCursor } from '../../wire/record_cursor.ts';
import {
  array,
  type Decoded,
  int16,
  int32,
  int64,
  nullableBytes,
  nullableString,
  since,
  string,
  struct,
} from '../../wire/schema.ts';
import { type BrokerState, defineApi } from '../api.ts';
import { KAFKA_ERROR } from '../error_codes.ts';
import { configNumber, configValue } from '../log/topic_config.ts';
import type { Topic } from '../log/topics.ts';

const MAGIC_AT = 16;

const partitionResponse = struct({
  partition: int32,
  error_code: int16,
  base_offset: int64,
  log_append_time_ms: int64,
  log_start_offset: since(5, int64),
  record_errors: since(8, array(struct({ batch_index: int32, message: nullableString }))),
  error_message: since(8, nullableString),
});
type PartitionResponse = Decoded<typeof partitionResponse>;

/** Stores batches as they come. With acks=1 and acks=-1 alike, the answer comes after the commit. */
export const produce = defineApi({
  key: 0,
  name: 'Produce',
  min_version: 3,
  max_version: 8,
  request: struct({
    transactional_id: nullableString,
    acks: int16,
    timeout_ms: int32,
    topics: array(
      struct({ name: string, partitions: array(struct({ partition: int32, records: nullableBytes })) }),
    ),
  }),
  response: struct({
    topics: array(struct({ name: string, partitions: array(partitionResponse) })),
    throttle_ms: int32,
  }),
  async handle(request, { broker }) {
    const { acks } = request;
    const is_valid = acks === 0 || acks === 1 || acks === -1;
    const topics = await Promise.all(
      request.topics.map(async ({ name, partitions }) => ({
        name,
        partitions: await Promise.all(
          partitions.map(({ partition, records }) =>
            is_valid
              ? append(broker, name, partition, records)
              : failed(partition, KAFKA_ERROR.INVALID_REQUIRED_ACKS, `acks must be 0, 1 or -1, not ${acks}`),
          ),
        ),
      })),
    );
    return acks === 0 ? undefined : { topics, throttle_ms: 0 };
  },
});

async function append(
  broker: BrokerState,
  name: string,
  index: number,
  records: Buffer | null,
): Promise<PartitionResponse> {
  const partition = broker.topics.partition(name, index);
  if (partition === undefined)
    return failed(index, KAFKA_ERROR.UNKNOWN_TOPIC_OR_PARTITION, 'no such partition');
  const checked = checkBatch(
    records ?? Buffer.alloc(0),
    configNumber(partition.topic.configs, 'max.message.bytes'),
  );
  if ('error_code' in checked) return failed(index, checked.error_code, checked.message);
  const { batch, header } = checked;
  const log_append_time_ms = stampTime(partition.topic, batch, header);
  try {
    const base_offset = await broker.log.append(partition, batch, header);
    const { log_start_offset } = partition;
    return { ...failed(index, KAFKA_ERROR.NONE, null), base_offset, log_append_time_ms, log_start_offset };
  } catch (thrown) {
    return failed(index, KAFKA_ERROR.KAFKA_STORAGE_ERROR, String(thrown));
  }
}

function failed(partition: number, error_code: number, error_message: string | null): PartitionResponse {
  const none = { base_offset: -1, log_append_time_ms: -1, log_start_offset: -1, record_errors: [] };
  return { partition, error_code, error_message, ...none };
}

/** With LogAppendTime the batch gets the broker's time; otherwise -1, which says that it kept its own. */
function stampTime(topic: Topic, batch: Buffer, header: BatchHeader): number {
  if (configValue(topic.configs, 'message.timestamp.type') !== 'LogAppendTime') return -1;
  header.max_timestamp_ms = Date.now();
  patchLogAppendTime(batch, header, header.max_timestamp_ms);
  return header.max_timestamp_ms;
}

type Checked = { batch: Buffer; header: BatchHeader } | { error_code: number; message: string };

/** A produce request carries exactly one batch per partition, whole and unharmed, with data and not a marker. */
function checkBatch(records: Buffer, max_bytes: number): Checked {
  const magic = records[MAGIC_AT];
  if (magic === 0 || magic === 1) {
    return { error_code: KAFKA_ERROR.UNSUPPORTED_FOR_MESSAGE_FORMAT, message: `message format ${magic}` };
  }
  try {
    const header = readBatchHeader(records, 0);
    if (header === undefined)
      return { error_code: KAFKA_ERROR.CORRUPT_MESSAGE, message: 'the batch is cut off' };
    if (header.size_bytes > max_bytes) {
      const message = `a batch of ${header.size_bytes} bytes exceeds max.message.bytes ${max_bytes}`;
      return { error_code: KAFKA_ERROR.MESSAGE_TOO_LARGE, message };
    }
    validateBatch(records, header);
    const message = contentProblem(records, header);
    if (message !== undefined) return { error_code: KAFKA_ERROR.INVALID_RECORD, message };
    return { batch: records, header };
  } catch (thrown) {
    if (!(thrown instanceof ErrataError)) throw thrown;
    return { error_code: KAFKA_ERROR.CORRUPT_MESSAGE, message: thrown.message };
  }
}

function contentProblem(records: Buffer, header: BatchHeader): string | undefined {
  if (header.size_bytes !== records.length) return 'a request must carry one batch per partition';
  if (header.is_control) return 'clients may not write control batches';
  const offsets = header.last_offset - header.base_offset + 1;
  if (header.record_count !== offsets) return `${header.record_count} records at ${offsets} offsets`;
  if (header.compression === 'none') countRecords(records, header);
  return undefined;
}

/** Throws if the records are not as many and as long as the header says; packed ones are not unpacked for it. */
function countRecords(records: Buffer, header: BatchHeader): void {
  const cursor = new RecordCursor();
  cursor.open(records, header);
  while (cursor.next());
}
