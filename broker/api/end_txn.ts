import { END_TXN } from '../../wire/transactions.ts';
import { defineApi } from '../api.ts';
import { fencedFor } from '../error_codes.ts';

/** Commits or aborts the transaction; when it is answered, records and offsets of it can be read. */
export const endTxn = defineApi({
  ...END_TXN,
  min_version: 0,
  max_version: 3,
  flexible_from: 3,
  async handle({ is_commit, ...producer }, { broker, version }) {
    const error_code = await broker.transactions.end(producer, is_commit);
    return { throttle_ms: 0, error_code: fencedFor(error_code, version, 2) };
  },
});
