import { int16, int32, nullableString, since, string, struct } from '../../wire/schema.ts';
import { defineApi } from '../api.ts';
import { KAFKA_ERROR } from '../error_codes.ts';

export const heartbeat = defineApi({
  key: 12,
  name: 'Heartbeat',
  min_version: 0,
  max_version: 3,
  request: struct({
    group_id: string,
    generation_id: int32,
    member_id: string,
    group_instance_id: since(3, nullableString),
  }),
  response: struct({ throttle_ms: since(1, int32), error_code: int16 }),
  handle({ group_id, generation_id, member_id }, { broker }) {
    const group = broker.groups.get(group_id);
    return {
      throttle_ms: 0,
      error_code: group?.heartbeat(member_id, generation_id) ?? KAFKA_ERROR.UNKNOWN_MEMBER_ID,
    };
  },
});
