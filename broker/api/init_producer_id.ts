import { INIT_PRODUCER_ID } from '../../wire/transactions.ts';
import { defineApi } from '../api.ts';
import { fencedFor, KAFKA_ERROR } from '../error_codes.ts';

/** An id and epoch for an idempotent producer: new without a transactional id, else that of the id with its next epoch. */
export const initProducerId = defineApi({
  ...INIT_PRODUCER_ID,
  min_version: 0,
  max_version: 4,
  flexible_from: 2,
  async handle({ transactional_id, transaction_timeout_ms, ...known }, { broker, version }) {
    if (transactional_id === null) {
      const producer_id = await broker.producer_ids.next();
      return { throttle_ms: 0, error_code: KAFKA_ERROR.NONE, producer_id, producer_epoch: 0 };
    }
    const result = await broker.transactions.init(transactional_id, transaction_timeout_ms, known);
    return { throttle_ms: 0, ...result, error_code: fencedFor(result.error_code, version, 4) };
  },
});
