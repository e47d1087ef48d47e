/** All APIs that the broker serves. */

import { addOffsetsToTxn } from './api/add_offsets_to_txn.ts';
import { addPartitionsToTxn } from './api/add_partitions_to_txn.ts';
import { alterConfigs } from './api/alter_configs.ts';
import { apiVersions } from './api/api_versions.ts';
import { createPartitions } from './api/create_partitions.ts';
import { createTopics } from './api/create_topics.ts';
import { deleteGroups } from './api/delete_groups.ts';
import { deleteRecords } from './api/delete_records.ts';
import { deleteTopics } from './api/delete_topics.ts';
import { describeConfigs } from './api/describe_configs.ts';
import { describeGroups } from './api/describe_groups.ts';
import { endTxn } from './api/end_txn.ts';
import { fetch } from './api/fetch.ts';
import { findCoordinator } from './api/find_coordinator.ts';
import { heartbeat } from './api/heartbeat.ts';
import { incrementalAlterConfigs } from './api/incremental_alter_configs.ts';
import { initProducerId } from './api/init_producer_id.ts';
import { joinGroup } from './api/join_group.ts';
import { leaveGroup } from './api/leave_group.ts';
import { listGroups } from './api/list_groups.ts';
import { listOffsets } from './api/list_offsets.ts';
import { metadata } from './api/metadata.ts';
import { offsetCommit } from './api/offset_commit.ts';
import { offsetFetch } from './api/offset_fetch.ts';
import { offsetForLeaderEpoch } from './api/offset_for_leader_epoch.ts';
import { produce } from './api/produce.ts';
import { syncGroup } from './api/sync_group.ts';
import { txnOffsetCommit } from './api/txn_offset_commit.ts';
import type { Api } from './api.ts';

export const CATALOGUE: readonly Api[] = [
  produce,
  fetch,
  listOffsets,
  metadata,
  offsetCommit,
  offsetFetch,
  findCoordinator,
  joinGroup,
  heartbeat,
  leaveGroup,
  syncGroup,
  describeGroups,
  listGroups,
  apiVersions(() => CATALOGUE),
  createTopics,
  deleteTopics,
  deleteRecords,
  initProducerId,
  offsetForLeaderEpoch,
  addPartitionsToTxn,
  addOffsetsToTxn,
  endTxn,
  txnOffsetCommit,
  describeConfigs,
  alterConfigs,
  createPartitions,
  deleteGroups,
  incrementalAlterConfigs,
];

const BY_KEY = new Map(CATALOGUE.map((api) => [api.key, api]));

export function findApi(key: number): Api | undefined {
  return BY_KEY.get(key);
}
