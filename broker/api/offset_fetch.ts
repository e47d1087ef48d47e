import {
  array,
  boolean,
  int16,
  int32,
  int64,
  nullableArray,
  nullableString,
  since,
  string,
  struct,
} from '../../wire/schema.ts';
import { defineApi } from '../api.ts';
import { KAFKA_ERROR } from '../error_codes.ts';
import type { CommittedOffset } from '../groups/offsets.ts';

/**
 * What the group has committed for the partitions asked for, or for all; -1 where there is nothing. What an open
 * transaction has committed does not show yet.
 */
export const offsetFetch = defineApi({
  key: 9,
  name: 'OffsetFetch',
  min_version: 1,
  max_version: 7,
  flexible_from: 6,
  request: struct({
    group_id: string,
    /** null, from version 2 on, asks for all. */
    topics: nullableArray(struct({ name: string, partitions: array(int32) })),
    /** Offsets that an open transaction has committed are an error then (KIP-447). */
    require_stable: since(7, boolean),
  }),
  response: struct({
    throttle_ms: since(3, int32),
    topics: array(
      struct({
        name: string,
        partitions: array(
          struct({
            partition: int32,
            committed_offset: int64,
            leader_epoch: since(5, int32),
            metadata: nullableString,
            error_code: int16,
          }),
        ),
      }),
    ),
    error_code: since(2, int16),
  }),
  handle({ group_id, topics, require_stable }, { broker }) {
    const { offsets } = broker.groups;
    const asked = topics ?? everything(offsets.all(group_id));
    return {
      throttle_ms: 0,
      error_code: KAFKA_ERROR.NONE,
      topics: asked.map(({ name, partitions }) => ({
        name,
        partitions: partitions.map((partition) =>
          require_stable && offsets.isPending(group_id, name, partition)
            ? { ...described(partition, undefined), error_code: KAFKA_ERROR.UNSTABLE_OFFSET_COMMIT }
            : described(partition, offsets.get(group_id, name, partition)),
        ),
      })),
    };
  },
});

function everything(offsets: readonly CommittedOffset[]) {
  const by_topic = Map.groupBy(offsets, ({ topic }) => topic);
  return [...by_topic].map(([name, found]) => ({
    name,
    partitions: found.map(({ partition }) => partition),
  }));
}

function described(partition: number, found: CommittedOffset | undefined) {
  return {
    partition,
    committed_offset: found?.committed_offset ?? -1,
    leader_epoch: found?.leader_epoch ?? -1,
    metadata: found?.metadata ?? '',
    error_code: KAFKA_ERROR.NONE as number,
  };
}
