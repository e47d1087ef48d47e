import {
  array,
  between,
  int16,
  int32,
  int64,
  nullableString,
  since,
  string,
  struct,
} from '../../wire/schema.ts';
import { type BrokerState, defineApi } from '../api.ts';
import { KAFKA_ERROR } from '../error_codes.ts';

const MAX_METADATA_BYTES = 4096;

/** Commits all valid offsets of the request together. */
export const offsetCommit = defineApi({
  key: 8,
  name: 'OffsetCommit',
  min_version: 2,
  max_version: 7,
  request: struct({
    group_id: string,
    generation_id: int32,
    member_id: string,
    group_instance_id: since(7, nullableString),
    retention_time_ms: between(2, 4, int64, -1),
    topics: array(
      struct({
        name: string,
        partitions: array(
          struct({
            partition: int32,
            committed_offset: int64,
            leader_epoch: since(6, int32, -1),
            metadata: nullableString,
          }),
        ),
      }),
    ),
  }),
  response: struct({
    throttle_ms: since(3, int32),
    topics: array(
      struct({ name: string, partitions: array(struct({ partition: int32, error_code: int16 })) }),
    ),
  }),
  async handle({ group_id, generation_id, member_id, topics }, { broker }) {
    const group_problem = broker.groups.commitProblem(group_id, generation_id, member_id, false);
    const checked = topics.flatMap(({ name: topic, partitions }) =>
      partitions.map((one) => ({
        ...one,
        topic,
        error_code: group_problem || offsetProblem(broker, topic, one),
      })),
    );
    await broker.groups.offsets.commit(
      group_id,
      checked.filter(({ error_code }) => error_code === KAFKA_ERROR.NONE),
    );
    return {
      throttle_ms: 0,
      topics: topics.map(({ name }) => ({ name, partitions: checked.filter(({ topic }) => topic === name) })),
    };
  },
});

/** What is wrong with one partition of a commit: an error code. */
export function offsetProblem(
  broker: BrokerState,
  topic: string,
  { partition, metadata }: { partition: number; metadata: string | null },
): number {
  if (broker.topics.partition(topic, partition) === undefined) return KAFKA_ERROR.UNKNOWN_TOPIC_OR_PARTITION;
  const is_long = Buffer.byteLength(metadata ?? '') > MAX_METADATA_BYTES;
  return is_long ? KAFKA_ERROR.OFFSET_METADATA_TOO_LARGE : KAFKA_ERROR.NONE;
}
