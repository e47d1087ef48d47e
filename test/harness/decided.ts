/**
 * Whether every transaction on some topics is decided. Kafka answers EndTxn before its markers are written: until then
 * a reader of what is committed does not get past it.
 */
import { RawClient } from './raw_client.ts';

const LIST_OFFSETS = { key: 2, version: 2 };
const LATEST = -1;

interface Answer {
  topics: { name: string; partitions: { partition: number; error_code: number; offset: number }[] }[];
}

/** Each partition's last stable offset is its end. Each broker is asked (`brokers`, with commas), since only a leader tells. */
export async function areDecided(
  brokers: string,
  topics: readonly string[],
  partitions: number,
): Promise<boolean> {
  const decided = new Set<string>();
  for (const address of brokers.split(','))
    for (const position of await decidedAt(address, topics, partitions)) decided.add(position);
  return decided.size === topics.length * partitions;
}

/** Of the partitions that this broker leads. */
async function decidedAt(address: string, topics: readonly string[], partitions: number): Promise<string[]> {
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
      const answer = await client.call<Answer>('ListOffsets', key, version, request);
      return answer.topics.flatMap(({ name, partitions: told }) =>
        told
          .filter(({ error_code }) => error_code === 0)
          .map(({ partition, offset }) => ({ position: `${name}/${partition}`, offset })),
      );
    };
    const stable = new Map((await ends(1)).map(({ position, offset }) => [position, offset]));
    const end = await ends(0);
    return end
      .filter(({ position, offset }) => stable.get(position) === offset)
      .map(({ position }) => position);
  } finally {
    client.end();
  }
}
