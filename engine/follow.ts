/** Follows a topic from its start, in order per partition, and says when it has seen all there is. */
import type { Logger } from 'pino';
import { type Cluster, connectKafka, createCluster, type KafkaSettings, withAdmin } from './kafka.ts';
import { LogReader, readerOptions } from './log_reader.ts';
import { type LogRecord, recordsIn } from './partition_reader.ts';

export interface Followed {
  /** Resolves once everything that is in the topic now has been handed on. */
  caughtUp(): Promise<void>;
  stop(): Promise<void>;
}

/** Records are handed on one after the other; `onRecord` may take its time. What it throws ends the following. */
export function followTopic(
  settings: KafkaSettings,
  topic: { name: string; partitions: number },
  onRecord: (record: LogRecord) => Promise<void> | void,
  log: Logger,
): Followed {
  const kafka = connectKafka(settings, log);
  const cluster: Cluster = createCluster(kafka, settings);
  const reader = new LogReader(cluster, readerOptions(settings), log);
  let handling: Promise<void> = Promise.resolve();
  const positions = Array.from({ length: topic.partitions }, () => 0);
  for (let partition = 0; partition < topic.partitions; partition++) {
    reader.add(topic.name, partition, 0, {
      wantsMore: () => true,
      onChunk: (chunk) => {
        handling = handling.then(async () => {
          for (const record of recordsIn(chunk)) await onRecord(record);
        });
        handling.catch(() => undefined);
        positions[partition] = chunk.next_offset;
      },
      onOutOfRange: (_, log_start_offset) => reader.seek(topic.name, partition, log_start_offset),
      onUnhealthy: () => undefined,
    });
  }
  return {
    caughtUp: async () => {
      const ends = await withAdmin(kafka, (admin) => admin.fetchTopicOffsets(topic.name));
      const isBehind = () => ends.some(({ partition, high }) => positions[partition]! < Number(high));
      while (isBehind()) await new Promise((resolve) => setTimeout(resolve, 5));
      await handling;
    },
    stop: async () => {
      await reader.stop();
      await cluster.disconnect();
    },
  };
}
