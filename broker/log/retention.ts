/** Deletes records by age and size, a batch at a time; what groups have committed is not touched. */

import type { PartitionLog } from './partition_log.ts';
import { configNumber, isDeletedByAge } from './topic_config.ts';
import type { Partition, Topics } from './topics.ts';

/** One round over all partitions. Topics that are only compacted keep everything. */
export async function applyRetention(topics: Topics, log: PartitionLog, now_ms: number): Promise<void> {
  for (const topic of topics.all()) {
    if (!isDeletedByAge(topic.configs)) continue;
    const retention_ms = configNumber(topic.configs, 'retention.ms');
    const retention_bytes = configNumber(topic.configs, 'retention.bytes');
    const before_ms = retention_ms < 0 ? -Infinity : now_ms - retention_ms;
    for (const partition of topic.partitions) {
      await applyTo(log, partition, before_ms, retention_bytes < 0 ? Infinity : retention_bytes);
    }
  }
}

async function applyTo(
  log: PartitionLog,
  partition: Partition,
  before_ms: number,
  max_bytes: number,
): Promise<void> {
  if (before_ms === -Infinity && max_bytes === Infinity) return;
  const start = log.retainedFrom(partition, before_ms, max_bytes);
  if (start > partition.log_start_offset) await log.deleteBefore(partition, start);
}
