import { array, int16, int32, int64, string, struct } from '../../wire/schema.ts';
import { type BrokerState, defineApi } from '../api.ts';
import { KAFKA_ERROR } from '../error_codes.ts';

const HIGH_WATERMARK = -1;

/** Moves the start of partitions forward to an offset, or with -1 to their end. */
export const deleteRecords = defineApi({
  key: 21,
  name: 'DeleteRecords',
  min_version: 0,
  max_version: 1,
  request: struct({
    topics: array(struct({ name: string, partitions: array(struct({ partition: int32, offset: int64 })) })),
    timeout_ms: int32,
  }),
  response: struct({
    throttle_ms: int32,
    topics: array(
      struct({
        name: string,
        partitions: array(struct({ partition: int32, low_watermark: int64, error_code: int16 })),
      }),
    ),
  }),
  async handle({ topics }, { broker }) {
    const results = [];
    for (const { name, partitions } of topics) {
      const done = [];
      for (const { partition, offset } of partitions)
        done.push(await deleteBefore(broker, name, partition, offset));
      results.push({ name, partitions: done });
    }
    return { throttle_ms: 0, topics: results };
  },
});

async function deleteBefore(broker: BrokerState, name: string, index: number, asked: number) {
  const partition = broker.topics.partition(name, index);
  const failed = (error_code: number) => ({ partition: index, low_watermark: -1, error_code });
  if (partition === undefined) return failed(KAFKA_ERROR.UNKNOWN_TOPIC_OR_PARTITION);
  const offset = asked === HIGH_WATERMARK ? partition.high_watermark : asked;
  if (offset < 0 || offset > partition.high_watermark) return failed(KAFKA_ERROR.OFFSET_OUT_OF_RANGE);
  if (offset > partition.log_start_offset) await broker.log.deleteBefore(partition, offset);
  return { partition: index, low_watermark: partition.log_start_offset, error_code: KAFKA_ERROR.NONE };
}
