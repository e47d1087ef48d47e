import { int16, int32, int64, nullableString, since, struct } from '../../wire/schema.ts';
import { defineApi } from '../api.ts';
import { fencedFor, KAFKA_ERROR } from '../error_codes.ts';

/** An id and epoch for an idempotent producer: new without a transactional id, else that of the id with its next epoch. */
export const initProducerId = defineApi({
  key: 22,
  name: 'InitProducerId',
  min_version: 0,
  max_version: 4,
  flexible_from: 2,
  request: struct({
    transactional_id: nullableString,
    transaction_timeout_ms: int32,
    /** What the producer is already, -1 at its first request (KIP-360). */
    producer_id: since(3, int64, -1),
    producer_epoch: since(3, int16, -1),
  }),
  response: struct({ throttle_ms: int32, error_code: int16, producer_id: int64, producer_epoch: int16 }),
  async handle({ transactional_id, transaction_timeout_ms, ...known }, { broker, version }) {
    if (transactional_id === null) {
      const producer_id = await broker.producer_ids.next();
      return { throttle_ms: 0, error_code: KAFKA_ERROR.NONE, producer_id, producer_epoch: 0 };
    }
    const result = await broker.transactions.init(transactional_id, transaction_timeout_ms, known);
    return { throttle_ms: 0, ...result, error_code: fencedFor(result.error_code, version, 4) };
  },
});
