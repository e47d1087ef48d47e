/**
 * Whether every transaction on some topics is decided. Kafka answers EndTxn before its markers are written: until then
 * a reader of what is committed does not get past it.
 */
import { isDeepStrictEqual } from 'node:util';
import { RawClient } from './raw_client.ts';

const LIST_OFFSETS = { key: 2, version: 2 };
const LATEST = -1;

interface Answer {
  topics: { name: string; partitions: { partition: number; error_code: number; offset: number }[] }[];
}

/** Each partition's last stable offset is its end. */
export async function areDecided(
  address: string,
  topics: readonly string[],
  partitions: number,
): Promise<boolean> {
  const client = new RawClient(address);
  try {
    const ends = async (isolation_level: 0 | 1) => {
      const request = {
        replica_id: -1,
        isolation_level,
        topics: topics.map((name) => ({
          name,
          partitions: Array.from({ length: partitions }, (_, partition) => ({
            partition,
            timestamp_ms: LATEST,
          })),
        })),
      };
      const { key, version } = LIST_OFFSETS;
      return (await client.call<Answer>('ListOffsets', key, version, request)).topics;
    };
    const [stable, end] = [await ends(1), await ends(0)];
    return stable.length > 0 && isDeepStrictEqual(stable, end);
  } finally {
    client.end();
  }
}
