/** Which partition a client's default partitioner sends a key to. */
import { crc32 } from 'node:zlib';
import { partitionForKey } from '../wire/murmur2.ts';
import type { Partitioner } from './plan.ts';

export function partitionOf(partitioner: Partitioner, key: string, partitions: number): number {
  return partitionOfBytes(partitioner, Buffer.from(key), partitions);
}

/** Of the key that stands in `bytes` from `start` to `end`. */
export function partitionOfBytes(
  partitioner: Partitioner,
  bytes: Buffer,
  partitions: number,
  start = 0,
  end = bytes.length,
): number {
  switch (partitioner) {
    // Java clients and kafkajs.
    case 'murmur2':
      return partitionForKey(bytes, partitions, start, end);
    // librdkafka's `consistent` and `consistent_random`.
    case 'crc32':
      return crc32(bytes.subarray(start, end)) % partitions;
  }
}
