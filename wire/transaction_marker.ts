/** Writing what ends a transaction in a partition (KIP-98). Reading it: `controlType` in record_cursor.ts. */
import { encodeBatch } from './record_batch.ts';

export interface Marker {
  producer_id: number;
  producer_epoch: number;
  is_commit: boolean;
  timestamp_ms: number;
}

/** A control batch with one record: version and type in the key, version and coordinator epoch, both 0, in the value. */
export function encodeMarker({ is_commit, timestamp_ms, ...producer }: Marker): Buffer {
  const key = Buffer.from([0, 0, 0, is_commit ? 1 : 0]);
  const record = { key, value: Buffer.alloc(6), timestamp_ms };
  return encodeBatch([record], { ...producer, is_transactional: true, is_control: true });
}
