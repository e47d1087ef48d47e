import {
  array,
  boolean,
  bytes,
  int16,
  int32,
  nullableString,
  since,
  string,
  struct,
} from '../../wire/schema.ts';
import { type BrokerState, defineApi, NO_OPERATIONS } from '../api.ts';
import { KAFKA_ERROR } from '../error_codes.ts';
import type { Group } from '../groups/group.ts';

export const describeGroups = defineApi({
  key: 15,
  name: 'DescribeGroups',
  min_version: 0,
  max_version: 4,
  request: struct({ groups: array(string), include_authorized_operations: since(3, boolean) }),
  response: struct({
    throttle_ms: since(1, int32),
    groups: array(
      struct({
        error_code: int16,
        group_id: string,
        state: string,
        protocol_type: string,
        protocol_name: string,
        members: array(
          struct({
            member_id: string,
            group_instance_id: since(4, nullableString),
            client_id: string,
            client_host: string,
            metadata: bytes,
            assignment: bytes,
          }),
        ),
        authorized_operations: since(3, int32),
      }),
    ),
  }),
  handle: ({ groups }, { broker }) => ({ throttle_ms: 0, groups: groups.map((id) => describe(broker, id)) }),
});

/** A group that nobody knows is `Dead`; one that only has offsets is `Empty`. */
function describe(broker: BrokerState, group_id: string) {
  const group = broker.groups.get(group_id);
  return {
    error_code: KAFKA_ERROR.NONE,
    group_id,
    state: group?.state ?? (broker.groups.exists(group_id) ? 'Empty' : 'Dead'),
    protocol_type: group?.protocol_type ?? '',
    protocol_name: group?.state === 'Stable' ? group.protocol_name : '',
    members: group === undefined ? [] : describeMembers(group),
    authorized_operations: NO_OPERATIONS,
  };
}

function describeMembers(group: Group) {
  return [...group.members.values()].map((member) => ({
    member_id: member.member_id,
    group_instance_id: null,
    client_id: member.client_id,
    client_host: member.client_host,
    metadata: member.metadataOf(group.protocol_name),
    assignment: member.assignment,
  }));
}
