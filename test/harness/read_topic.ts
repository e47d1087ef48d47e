/** Reads a whole topic, from its start to the end that it has then. */
import { Kafka, logLevel } from 'kafkajs';
import pino from 'pino';
import { createCluster } from '../../engine/kafka.ts';
import { LogReader, READER_DEFAULTS } from '../../engine/log_reader.ts';
import type { LogRecord } from '../../engine/partition_reader.ts';
import { readToEnd } from '../../engine/read_to_end.ts';
import { areDecided } from './decided.ts';
import { until } from './until.ts';

export interface TopicRecord extends LogRecord {
  partition: number;
}

/** In the order of each partition, one partition after the other. Transactions that are ending are waited for. */
export async function readTopic(brokers: string, topic: string): Promise<TopicRecord[]> {
  const kafka = new Kafka({ brokers: brokers.split(','), logLevel: logLevel.ERROR });
  const admin = kafka.admin();
  await admin.connect();
  const { topics } = await admin.fetchTopicMetadata({ topics: [topic] });
  await admin.disconnect();
  const count = topics[0]!.partitions.length;
  await until(() => areDecided(brokers, [topic], count), `${topic} has no open transaction`);
  const cluster = createCluster(kafka);
  const reader = new LogReader(cluster, READER_DEFAULTS, pino({ level: 'silent' }));
  try {
    const partitions = topics[0]!.partitions.map(({ partitionId }) => partitionId);
    const read = partitions.map(async (partition) => {
      const records: TopicRecord[] = [];
      await readToEnd(reader, topic, partition, (record) => records.push({ ...record, partition }));
      return records;
    });
    return (await Promise.all(read)).flat();
  } finally {
    await reader.stop();
    await cluster.disconnect();
  }
}
