/** Produce (API key 0): its schema for versions 3 to 8, which the broker serves; the engine sends version 7. */
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
} from './schema.ts';

export const producePartition = struct({
  partition: int32,
  error_code: int16,
  base_offset: int64,
  log_append_time_ms: int64,
  log_start_offset: since(5, int64),
  record_errors: since(8, array(struct({ batch_index: int32, message: nullableString }))),
  error_message: since(8, nullableString),
});
export type ProducedPartition = Decoded<typeof producePartition>;

export const PRODUCE = {
  key: 0,
  name: 'Produce',
  /** `records` is one batch. */
  request: struct({
    transactional_id: nullableString,
    acks: int16,
    timeout_ms: int32,
    topics: array(
      struct({ name: string, partitions: array(struct({ partition: int32, records: nullableBytes })) }),
    ),
  }),
  response: struct({
    topics: array(struct({ name: string, partitions: array(producePartition) })),
    throttle_ms: int32,
  }),
} as const;
