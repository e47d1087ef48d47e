import { array, int16, int32, since, string, struct } from '../../wire/schema.ts';
import { defineApi } from '../api.ts';
import { KAFKA_ERROR } from '../error_codes.ts';

export const listGroups = defineApi({
  key: 16,
  name: 'ListGroups',
  min_version: 0,
  max_version: 2,
  request: struct({}),
  response: struct({
    throttle_ms: since(1, int32),
    error_code: int16,
    groups: array(struct({ group_id: string, protocol_type: string })),
  }),
  handle: (_request, { broker }) => ({
    throttle_ms: 0,
    error_code: KAFKA_ERROR.NONE,
    groups: broker.groups.list(),
  }),
});
