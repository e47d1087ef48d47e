import { boolean, int16, int32, int64, string, struct } from '../../wire/schema.ts';
import { defineApi } from '../api.ts';
import { fencedFor } from '../error_codes.ts';

/** Commits or aborts the transaction; when it is answered, records and offsets of it can be read. */
export const endTxn = defineApi({
  key: 26,
  name: 'EndTxn',
  min_version: 0,
  max_version: 3,
  flexible_from: 3,
  request: struct({
    transactional_id: string,
    producer_id: int64,
    producer_epoch: int16,
    is_commit: boolean,
  }),
  response: struct({ throttle_ms: int32, error_code: int16 }),
  async handle({ is_commit, ...producer }, { broker, version }) {
    const error_code = await broker.transactions.end(producer, is_commit);
    return { throttle_ms: 0, error_code: fencedFor(error_code, version, 2) };
  },
});
