import { int16, int32, int64, nullableString, struct } from '../../wire/schema.ts';
import { defineApi } from '../api.ts';
import { KAFKA_ERROR } from '../error_codes.ts';

/** A new id for an idempotent producer. Transactional ids are refused: there are no transactions here yet. */
export const initProducerId = defineApi({
  key: 22,
  name: 'InitProducerId',
  min_version: 0,
  max_version: 1,
  request: struct({ transactional_id: nullableString, transaction_timeout_ms: int32 }),
  response: struct({ throttle_ms: int32, error_code: int16, producer_id: int64, producer_epoch: int16 }),
  async handle({ transactional_id }, { broker }) {
    if (transactional_id !== null) {
      return { throttle_ms: 0, error_code: KAFKA_ERROR.INVALID_REQUEST, producer_id: -1, producer_epoch: -1 };
    }
    const producer_id = await broker.producer_ids.next();
    return { throttle_ms: 0, error_code: KAFKA_ERROR.NONE, producer_id, producer_epoch: 0 };
  },
});
