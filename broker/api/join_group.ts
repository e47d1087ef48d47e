import { array, bytes, int16, int32, nullableString, since, string, struct } from '../../wire/schema.ts';
import { defineApi } from '../api.ts';

const KNOWN_ID_VERSION = 4;

/** Answered when all members of the group have joined. Static membership (KIP-345) is not kept: its id is ignored. */
export const joinGroup = defineApi({
  key: 11,
  name: 'JoinGroup',
  min_version: 0,
  max_version: 5,
  request: struct({
    group_id: string,
    session_timeout_ms: int32,
    rebalance_timeout_ms: since(1, int32, -1),
    member_id: string,
    group_instance_id: since(5, nullableString),
    protocol_type: string,
    protocols: array(struct({ name: string, metadata: bytes })),
  }),
  response: struct({
    throttle_ms: since(2, int32),
    error_code: int16,
    generation_id: int32,
    protocol_name: string,
    leader: string,
    member_id: string,
    members: array(
      struct({ member_id: string, group_instance_id: since(5, nullableString), metadata: bytes }),
    ),
  }),
  async handle(request, { broker, version, client_id, client_host }) {
    const { rebalance_timeout_ms, session_timeout_ms } = request;
    const answer = await broker.groups.join({
      ...request,
      client_id,
      client_host,
      rebalance_timeout_ms: rebalance_timeout_ms < 0 ? session_timeout_ms : rebalance_timeout_ms,
      requires_known_id: version >= KNOWN_ID_VERSION,
    });
    return { throttle_ms: 0, ...answer };
  },
});
