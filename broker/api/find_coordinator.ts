import { int8, int16, int32, nullableString, since, string, struct } from '../../wire/schema.ts';
import { defineApi, NODE_ID } from '../api.ts';
import { KAFKA_ERROR } from '../error_codes.ts';

/** This node coordinates every group and every transaction. */
export const findCoordinator = defineApi({
  key: 10,
  name: 'FindCoordinator',
  min_version: 0,
  max_version: 2,
  request: struct({ key: string, key_type: since(1, int8) }),
  response: struct({
    throttle_ms: since(1, int32),
    error_code: int16,
    error_message: since(1, nullableString),
    node_id: int32,
    host: string,
    port: int32,
  }),
  handle: (_request, { broker }) => ({
    throttle_ms: 0,
    error_code: KAFKA_ERROR.NONE,
    error_message: null,
    node_id: NODE_ID,
    host: broker.config.advertised_host,
    port: broker.port,
  }),
});
