/** Which partition a client's default partitioner sends a key to. */
import { crc32 } from 'node:zlib';
import { partitionForKey } from '../wire/murmur2.ts';
import type { Partitioner } from './plan.ts';

export function partitionOf(partitioner: Partitioner, key: string, partitions: number): number {
  const bytes = Buffer.from(key);
  switch (partitioner) {
    // Java clients and kafkajs.
    case 'murmur2':
      return partitionForKey(bytes, partitions);
    // librdkafka's `consistent` and `consistent_random`.
    case 'crc32':
      return crc32(bytes) % partitions;
  }
}
