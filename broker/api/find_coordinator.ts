import { FIND_COORDINATOR } from '../../wire/transactions.ts';
import { defineApi, NODE_ID } from '../api.ts';
import { KAFKA_ERROR } from '../error_codes.ts';

/** This node coordinates every group and every transaction. */
export const findCoordinator = defineApi({
  ...FIND_COORDINATOR,
  min_version: 0,
  max_version: 2,
  handle: (_request, { broker }) => ({
    throttle_ms: 0,
    error_code: KAFKA_ERROR.NONE,
    error_message: null,
    node_id: NODE_ID,
    host: broker.config.advertised_host,
    port: broker.port,
  }),
});
