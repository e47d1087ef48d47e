import { array, int16, int32, string, struct } from '../../wire/schema.ts';
import { defineApi } from '../api.ts';

/** Removes groups without members, with what they have committed. */
export const deleteGroups = defineApi({
  key: 42,
  name: 'DeleteGroups',
  min_version: 0,
  max_version: 1,
  request: struct({ groups: array(string) }),
  response: struct({ throttle_ms: int32, results: array(struct({ group_id: string, error_code: int16 })) }),
  async handle({ groups }, { broker }) {
    const results = [];
    for (const group_id of groups)
      results.push({ group_id, error_code: await broker.groups.delete(group_id) });
    return { throttle_ms: 0, results };
  },
});
