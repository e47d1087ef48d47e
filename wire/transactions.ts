/**
 * The requests of a transaction (KIP-98), each with its API key and its schema: the broker answers them, the engine
 * sends them. `key`, `name`, `request` and `response` of an API belong together.
 */
import { array, boolean, int16, int32, int64, nullableString, since, string, struct } from './schema.ts';

/** Whoever was given the transactional id last; an older epoch is fenced. */
const producer = { transactional_id: string, producer_id: int64, producer_epoch: int16 };

const partitionErrors = struct({
  throttle_ms: int32,
  topics: array(struct({ name: string, partitions: array(struct({ partition: int32, error_code: int16 })) })),
});

export const INIT_PRODUCER_ID = {
  key: 22,
  name: 'InitProducerId',
  request: struct({
    transactional_id: nullableString,
    transaction_timeout_ms: int32,
    /** What the producer is already, -1 at its first request (KIP-360). */
    producer_id: since(3, int64, -1),
    producer_epoch: since(3, int16, -1),
  }),
  response: struct({ throttle_ms: int32, error_code: int16, producer_id: int64, producer_epoch: int16 }),
} as const;

export const ADD_PARTITIONS_TO_TXN = {
  key: 24,
  name: 'AddPartitionsToTxn',
  request: struct({ ...producer, topics: array(struct({ name: string, partitions: array(int32) })) }),
  response: partitionErrors,
} as const;

export const ADD_OFFSETS_TO_TXN = {
  key: 25,
  name: 'AddOffsetsToTxn',
  request: struct({ ...producer, group_id: string }),
  response: struct({ throttle_ms: int32, error_code: int16 }),
} as const;

export const END_TXN = {
  key: 26,
  name: 'EndTxn',
  request: struct({ ...producer, is_commit: boolean }),
  response: struct({ throttle_ms: int32, error_code: int16 }),
} as const;

export const TXN_OFFSET_COMMIT = {
  key: 28,
  name: 'TxnOffsetCommit',
  request: struct({
    transactional_id: string,
    group_id: string,
    producer_id: int64,
    producer_epoch: int16,
    /** Who in the group commits (KIP-447); older versions name nobody. */
    generation_id: since(3, int32, -1),
    member_id: since(3, string),
    group_instance_id: since(3, nullableString),
    topics: array(
      struct({
        name: string,
        partitions: array(
          struct({
            partition: int32,
            committed_offset: int64,
            leader_epoch: since(2, int32, -1),
            metadata: nullableString,
          }),
        ),
      }),
    ),
  }),
  response: partitionErrors,
} as const;
