import { array, between, int16, int32, nullableString, since, string, struct } from '../../wire/schema.ts';
import { defineApi } from '../api.ts';
import { KAFKA_ERROR } from '../error_codes.ts';

const BATCHED_VERSION = 3;

export const leaveGroup = defineApi({
  key: 13,
  name: 'LeaveGroup',
  min_version: 0,
  max_version: 3,
  request: struct({
    group_id: string,
    member_id: between(0, 2, string),
    members: since(3, array(struct({ member_id: string, group_instance_id: nullableString }))),
  }),
  response: struct({
    throttle_ms: since(1, int32),
    error_code: int16,
    members: since(
      3,
      array(struct({ member_id: string, group_instance_id: nullableString, error_code: int16 })),
    ),
  }),
  handle({ group_id, member_id, members }, { broker, version }) {
    const leave = (id: string) => broker.groups.get(group_id)?.leave(id) ?? KAFKA_ERROR.UNKNOWN_MEMBER_ID;
    if (version < BATCHED_VERSION) return { throttle_ms: 0, error_code: leave(member_id), members: [] };
    const left = members.map((member) => ({ ...member, error_code: leave(member.member_id) }));
    return { throttle_ms: 0, error_code: KAFKA_ERROR.NONE, members: left };
  },
});
