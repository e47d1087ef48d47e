import { int16, int32, int64, string, struct } from '../../wire/schema.ts';
import { defineApi } from '../api.ts';
import { fencedFor } from '../error_codes.ts';

/** Announces that the transaction will commit offsets of a group. */
export const addOffsetsToTxn = defineApi({
  key: 25,
  name: 'AddOffsetsToTxn',
  min_version: 0,
  max_version: 3,
  flexible_from: 3,
  request: struct({ transactional_id: string, producer_id: int64, producer_epoch: int16, group_id: string }),
  response: struct({ throttle_ms: int32, error_code: int16 }),
  async handle({ group_id, ...producer }, { broker, version }) {
    const error_code = await broker.transactions.addGroup(producer, group_id);
    return { throttle_ms: 0, error_code: fencedFor(error_code, version, 2) };
  },
});
