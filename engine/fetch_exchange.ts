/** One Fetch request over kafkajs's connection to a leader. */
import {
  decodeFetchResponse,
  encodeFetchRequest,
  FETCH_API_KEY,
  FETCH_VERSION,
  type FetchResponse,
} from '../wire/fetch.ts';
import { exchange } from './broker_exchange.ts';
import type { Cluster } from './kafka.ts';

export interface FetchLimits {
  isolation: 'read_committed' | 'read_uncommitted';
  max_wait_ms: number;
  /** Per partition and fetch. */
  partition_max_bytes: number;
  max_bytes: number;
}

export interface FetchPlace {
  topic: string;
  partition: number;
  position: number;
}

/** The broker fills its answer in the order of `places`. Rejects if it does not answer. */
export async function fetchFrom(
  cluster: Cluster,
  leader: number,
  limits: FetchLimits,
  places: readonly FetchPlace[],
): Promise<FetchResponse> {
  const broker = await cluster.findBroker({ nodeId: leader });
  return await exchange(cluster, broker, {
    key: FETCH_API_KEY,
    name: 'Fetch',
    version: FETCH_VERSION,
    body: encode(limits, places),
    decode: decodeFetchResponse,
  });
}

function encode({ partition_max_bytes, ...limits }: FetchLimits, places: readonly FetchPlace[]): Buffer {
  const topics = [...Map.groupBy(places, ({ topic }) => topic)].map(([topic, own]) => ({
    topic,
    partitions: own.map(({ partition, position }) => ({
      partition,
      fetch_offset: position,
      partition_max_bytes,
    })),
  }));
  return encodeFetchRequest({ ...limits, min_bytes: 1, topics });
}
