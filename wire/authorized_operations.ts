/**
 * What a client may do with topics and groups, as the broker's authorizer says: Metadata (API key 3, version 8),
 * FindCoordinator (10, version 1) and DescribeGroups (15, version 3); KIP-430.
 */
import { array, boolean, bytes, int8, int16, int32, nullableString, string, struct } from './schema.ts';

export const METADATA = {
  key: 3,
  name: 'Metadata',
  request: struct({
    topics: array(string),
    allow_auto_topic_creation: boolean,
    include_cluster_authorized_operations: boolean,
    include_topic_authorized_operations: boolean,
  }),
  response: struct({
    throttle_ms: int32,
    brokers: array(struct({ node_id: int32, host: string, port: int32, rack: nullableString })),
    cluster_id: nullableString,
    controller_id: int32,
    topics: array(
      struct({
        error_code: int16,
        name: string,
        is_internal: boolean,
        partitions: array(
          struct({
            error_code: int16,
            partition: int32,
            leader: int32,
            leader_epoch: int32,
            replicas: array(int32),
            in_sync: array(int32),
            offline: array(int32),
          }),
        ),
        authorized_operations: int32,
      }),
    ),
    cluster_authorized_operations: int32,
  }),
};

export const FIND_COORDINATOR = {
  key: 10,
  name: 'FindCoordinator',
  /** `key_type`: 0 a group, 1 a transactional id. */
  request: struct({ key: string, key_type: int8 }),
  response: struct({
    throttle_ms: int32,
    error_code: int16,
    error_message: nullableString,
    node_id: int32,
    host: string,
    port: int32,
  }),
};

export const DESCRIBE_GROUPS = {
  key: 15,
  name: 'DescribeGroups',
  request: struct({ groups: array(string), include_authorized_operations: boolean }),
  response: struct({
    throttle_ms: int32,
    groups: array(
      struct({
        error_code: int16,
        group_id: string,
        state: string,
        protocol_type: string,
        protocol: string,
        members: array(
          struct({
            member_id: string,
            client_id: string,
            client_host: string,
            metadata: bytes,
            assignment: bytes,
          }),
        ),
        authorized_operations: int32,
      }),
    ),
  }),
};

/** Bit of each operation in `authorized_operations`: org.apache.kafka.common.acl.AclOperation. */
export const OPERATION_BITS = { Read: 3, Write: 4, Create: 5, Describe: 8 } as const;
export type Operation = keyof typeof OPERATION_BITS;

/** The broker was not asked, or does not know. */
const UNKNOWN_OPERATIONS = -(2 ** 31);

export function allows(authorized_operations: number, operation: Operation): boolean {
  if (authorized_operations === UNKNOWN_OPERATIONS) return true;
  return (authorized_operations & (1 << OPERATION_BITS[operation])) !== 0;
}
