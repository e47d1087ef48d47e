import { array, int8, int16, int32, int64, since, string, struct } from '../../wire/schema.ts';
import { type BrokerState, defineApi } from '../api.ts';
import { KAFKA_ERROR } from '../error_codes.ts';

const LATEST = -1;
const EARLIEST = -2;
const READ_COMMITTED = 1;

/** The earliest offset (time -2), the latest (-1), or that of the first record at or after a time. */
export const listOffsets = defineApi({
  key: 2,
  name: 'ListOffsets',
  min_version: 1,
  max_version: 5,
  request: struct({
    replica_id: int32,
    isolation_level: since(2, int8),
    topics: array(
      struct({
        name: string,
        partitions: array(
          struct({ partition: int32, current_leader_epoch: since(4, int32, -1), timestamp_ms: int64 }),
        ),
      }),
    ),
  }),
  response: struct({
    throttle_ms: since(2, int32),
    topics: array(
      struct({
        name: string,
        partitions: array(
          struct({
            partition: int32,
            error_code: int16,
            timestamp_ms: int64,
            offset: int64,
            leader_epoch: since(4, int32),
          }),
        ),
      }),
    ),
  }),
  handle(request, { broker }) {
    const is_committed = request.isolation_level === READ_COMMITTED;
    const topics = request.topics.map(({ name, partitions }) => ({
      name,
      partitions: partitions.map(({ partition, timestamp_ms }) => ({
        partition,
        ...find(broker, name, partition, timestamp_ms, is_committed),
      })),
    }));
    return { throttle_ms: 0, topics };
  },
});

function find(broker: BrokerState, name: string, index: number, time_ms: number, is_committed: boolean) {
  const partition = broker.topics.partition(name, index);
  const none = { error_code: KAFKA_ERROR.NONE, timestamp_ms: -1, offset: -1, leader_epoch: -1 };
  if (partition === undefined) return { ...none, error_code: KAFKA_ERROR.UNKNOWN_TOPIC_OR_PARTITION };
  const at = { ...none, leader_epoch: 0 };
  const end = is_committed ? partition.last_stable_offset : partition.high_watermark;
  if (time_ms === EARLIEST) return { ...at, offset: partition.log_start_offset };
  if (time_ms === LATEST) return { ...at, offset: end };
  const found = broker.log.offsetForTime(partition, time_ms, end);
  return found === undefined ? none : { ...at, ...found };
}
