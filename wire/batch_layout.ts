/** Where the fields of a record batch's header stand. Source: https://kafka.apache.org/documentation/#recordbatch. */
export const BATCH_HEADER_BYTES = 61;
/** Base offset and length come before what `batch_length` counts. */
export const LENGTH_OVERHEAD_BYTES = 12;
export const MAGIC = 2;
export const AT = {
  length: 8,
  leader_epoch: 12,
  magic: 16,
  crc: 17,
  attributes: 21,
  last_offset_delta: 23,
  base_timestamp: 27,
  max_timestamp: 35,
  producer_id: 43,
  producer_epoch: 51,
  base_sequence: 53,
  record_count: 57,
} as const;
