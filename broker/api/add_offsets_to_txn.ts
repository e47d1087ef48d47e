import { ADD_OFFSETS_TO_TXN } from '../../wire/transactions.ts';
import { defineApi } from '../api.ts';
import { fencedFor } from '../error_codes.ts';

/** Announces that the transaction will commit offsets of a group. */
export const addOffsetsToTxn = defineApi({
  ...ADD_OFFSETS_TO_TXN,
  min_version: 0,
  max_version: 3,
  flexible_from: 3,
  async handle({ group_id, ...producer }, { broker, version }) {
    const error_code = await broker.transactions.addGroup(producer, group_id);
    return { throttle_ms: 0, error_code: fencedFor(error_code, version, 2) };
  },
});
