import { PRODUCE, type ProducedPartition } from '../../wire/produce.ts';
import { type BatchHeader, patchLogAppendTime } from '../../wire/record_batch.ts';
import { type BrokerState, defineApi } from '../api.ts';
import { fencedFor, KAFKA_ERROR } from '../error_codes.ts';
import { checkBatch } from '../log/batch_check.ts';
import type { SequenceCheck } from '../log/producer_states.ts';
import { configValue } from '../log/topic_config.ts';
import type { Partition, Topic } from '../log/topics.ts';

/** Stores batches as they come. With acks=1 and acks=-1 alike, the answer comes after the commit. */
export const produce = defineApi({
  ...PRODUCE,
  min_version: 3,
  max_version: 8,
  async handle(request, { broker }) {
    const { acks } = request;
    const is_valid = acks === 0 || acks === 1 || acks === -1;
    const topics = await Promise.all(
      request.topics.map(async ({ name, partitions }) => ({
        name,
        partitions: await Promise.all(
          partitions.map(({ partition, records }) =>
            is_valid
              ? append(broker, request.transactional_id, name, partition, records)
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
  transactional_id: string | null,
  name: string,
  index: number,
  records: Buffer | null,
): Promise<ProducedPartition> {
  const partition = broker.topics.partition(name, index);
  if (partition === undefined)
    return failed(index, KAFKA_ERROR.UNKNOWN_TOPIC_OR_PARTITION, 'no such partition');
  const checked = checkBatch(records ?? Buffer.alloc(0), partition.topic.configs, Date.now());
  if ('error_code' in checked) return failed(index, checked.error_code, checked.message);
  const { batch, header } = checked;
  if (header.producer_id >= 0) {
    const known = checkProducer(broker, transactional_id, partition, header);
    if (known.kind === 'refused') return failed(index, known.error_code, known.message);
    if (known.kind === 'duplicate') return storedBefore(broker, partition, known);
  }
  const log_append_time_ms = stampTime(partition.topic, batch, header);
  try {
    const base_offset = await broker.log.append(partition, batch, header);
    const { log_start_offset } = partition;
    return { ...failed(index, KAFKA_ERROR.NONE, null), base_offset, log_append_time_ms, log_start_offset };
  } catch (thrown) {
    return failed(index, KAFKA_ERROR.KAFKA_STORAGE_ERROR, String(thrown));
  }
}

/** The rules for batches of idempotent producers, and for those of transactions. */
function checkProducer(
  broker: BrokerState,
  transactional_id: string | null,
  partition: Partition,
  header: BatchHeader,
): SequenceCheck {
  if (!header.is_transactional) return broker.producers.check(partition, header);
  const refused = (error_code: number) => {
    const message = `producer ${header.producer_id} may not write here in a transaction now`;
    return { kind: 'refused', error_code, message } as const;
  };
  if (transactional_id === null) return refused(KAFKA_ERROR.TRANSACTIONAL_ID_AUTHORIZATION_FAILED);
  const { producer_id, producer_epoch } = header;
  const producer = { transactional_id, producer_id, producer_epoch };
  const problem = fencedFor(broker.transactions.writeProblem(producer, partition), 0, 1);
  return problem === KAFKA_ERROR.NONE ? broker.producers.check(partition, header) : refused(problem);
}

/** A batch sent again is answered as the first time, and like then not before it is committed. */
async function storedBefore(
  broker: BrokerState,
  { partition, log_start_offset, topic }: Partition,
  { base_offset, timestamp_ms }: { base_offset: number; timestamp_ms: number },
): Promise<ProducedPartition> {
  await broker.log.settled();
  const log_append_time_ms = isStamped(topic) ? timestamp_ms : -1;
  return {
    ...failed(partition, KAFKA_ERROR.NONE, null),
    base_offset,
    log_append_time_ms,
    log_start_offset,
  };
}

function failed(partition: number, error_code: number, error_message: string | null): ProducedPartition {
  const none = { base_offset: -1, log_append_time_ms: -1, log_start_offset: -1, record_errors: [] };
  return { partition, error_code, error_message, ...none };
}

/** With LogAppendTime the batch gets the broker's time; otherwise -1, which says that it kept its own. */
function stampTime(topic: Topic, batch: Buffer, header: BatchHeader): number {
  if (!isStamped(topic)) return -1;
  header.max_timestamp_ms = Date.now();
  patchLogAppendTime(batch, header, header.max_timestamp_ms);
  return header.max_timestamp_ms;
}

function isStamped({ configs }: Topic): boolean {
  return configValue(configs, 'message.timestamp.type') === 'LogAppendTime';
}
