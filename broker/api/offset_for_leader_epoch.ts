import { array, int16, int32, int64, since, string, struct } from '../../wire/schema.ts';
import { defineApi } from '../api.ts';
import { KAFKA_ERROR } from '../error_codes.ts';

/** There has only ever been one leader, in epoch 0: it ends where the log does. */
export const offsetForLeaderEpoch = defineApi({
  key: 23,
  name: 'OffsetForLeaderEpoch',
  min_version: 0,
  max_version: 3,
  request: struct({
    replica_id: since(3, int32, -2),
    topics: array(
      struct({
        topic: string,
        partitions: array(
          struct({ partition: int32, current_leader_epoch: since(2, int32, -1), leader_epoch: int32 }),
        ),
      }),
    ),
  }),
  response: struct({
    throttle_ms: since(2, int32),
    topics: array(
      struct({
        topic: string,
        partitions: array(
          struct({ error_code: int16, partition: int32, leader_epoch: since(1, int32), end_offset: int64 }),
        ),
      }),
    ),
  }),
  handle(request, { broker }) {
    const topics = request.topics.map(({ topic, partitions }) => ({
      topic,
      partitions: partitions.map(({ partition, current_leader_epoch, leader_epoch }) => {
        const found = broker.topics.partition(topic, partition);
        const none = { partition, error_code: KAFKA_ERROR.NONE, leader_epoch: -1, end_offset: -1 };
        if (found === undefined) return { ...none, error_code: KAFKA_ERROR.UNKNOWN_TOPIC_OR_PARTITION };
        if (current_leader_epoch > 0) return { ...none, error_code: KAFKA_ERROR.UNKNOWN_LEADER_EPOCH };
        return leader_epoch === 0 ? { ...none, leader_epoch: 0, end_offset: found.high_watermark } : none;
      }),
    }));
    return { throttle_ms: 0, topics };
  },
});
