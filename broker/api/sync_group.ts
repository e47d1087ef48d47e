import { array, bytes, int16, int32, nullableString, since, string, struct } from '../../wire/schema.ts';
import { defineApi } from '../api.ts';
import { KAFKA_ERROR } from '../error_codes.ts';
import { NO_BYTES } from '../groups/member.ts';

/** The leader hands in the assignment, every member is answered with its part. */
export const syncGroup = defineApi({
  key: 14,
  name: 'SyncGroup',
  min_version: 0,
  max_version: 3,
  request: struct({
    group_id: string,
    generation_id: int32,
    member_id: string,
    group_instance_id: since(3, nullableString),
    assignments: array(struct({ member_id: string, assignment: bytes })),
  }),
  response: struct({ throttle_ms: since(1, int32), error_code: int16, assignment: bytes }),
  async handle({ group_id, generation_id, member_id, assignments }, { broker }) {
    const parts = new Map(assignments.map((part) => [part.member_id, part.assignment]));
    const answer = await broker.groups.get(group_id)?.sync(member_id, generation_id, parts);
    return {
      throttle_ms: 0,
      ...(answer ?? { error_code: KAFKA_ERROR.UNKNOWN_MEMBER_ID, assignment: NO_BYTES }),
    };
  },
});
