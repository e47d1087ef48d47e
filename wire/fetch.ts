/**
 * Fetch (API key 1): its schema for versions 4 to 11, which the broker serves, and the two functions that the
 * engine's log reader needs to send version 11 over a connection of its own choice.
 */
import { Reader, Writer } from './primitives.ts';
import {
  array,
  type Decoded,
  int8,
  int16,
  int32,
  int64,
  nullableArray,
  nullableBytes,
  since,
  string,
  struct,
} from './schema.ts';

export const FETCH_API_KEY = 1;
export const FETCH_VERSION = 11;

export const fetchRequest = struct({
  replica_id: int32,
  max_wait_ms: int32,
  min_bytes: int32,
  max_bytes: int32,
  /** 0 read_uncommitted, 1 read_committed. */
  isolation_level: int8,
  session_id: since(7, int32),
  session_epoch: since(7, int32, -1),
  topics: array(
    struct({
      topic: string,
      partitions: array(
        struct({
          partition: int32,
          current_leader_epoch: since(9, int32, -1),
          fetch_offset: int64,
          log_start_offset: since(5, int64, -1),
          partition_max_bytes: int32,
        }),
      ),
    }),
  ),
  forgotten_topics: since(7, array(struct({ topic: string, partitions: array(int32) }))),
  rack_id: since(11, string),
});

export const fetchResponse = struct({
  throttle_ms: int32,
  error_code: since(7, int16),
  session_id: since(7, int32),
  topics: array(
    struct({
      topic: string,
      partitions: array(
        struct({
          partition: int32,
          error_code: int16,
          high_watermark: int64,
          last_stable_offset: int64,
          log_start_offset: since(5, int64, -1),
          aborted_transactions: nullableArray(struct({ producer_id: int64, first_offset: int64 })),
          preferred_read_replica: since(11, int32, -1),
          records: nullableBytes,
        }),
      ),
    }),
  ),
});

export type FetchResponse = Decoded<typeof fetchResponse>;
export type FetchedTopic = FetchResponse['topics'][number];
/** `records` is a slice of the response: several batches, the last possibly cut off. */
export type FetchedPartition = FetchedTopic['partitions'][number];

/** What a log reader asks for; one entry per partition to read. */
export interface FetchOptions {
  max_wait_ms: number;
  min_bytes: number;
  max_bytes: number;
  isolation: 'read_committed' | 'read_uncommitted';
  topics: {
    topic: string;
    partitions: { partition: number; fetch_offset: number; partition_max_bytes: number }[];
  }[];
}

/** The body (without header) of a Fetch v11 request as a consumer sends it, without a fetch session. */
export function encodeFetchRequest(options: FetchOptions): Buffer {
  const writer = new Writer(256);
  const request: Decoded<typeof fetchRequest> = {
    replica_id: -1,
    max_wait_ms: options.max_wait_ms,
    min_bytes: options.min_bytes,
    max_bytes: options.max_bytes,
    isolation_level: options.isolation === 'read_committed' ? 1 : 0,
    session_id: 0,
    session_epoch: -1,
    topics: options.topics.map(({ topic, partitions }) => ({
      topic,
      partitions: partitions.map((one) => ({ ...one, current_leader_epoch: -1, log_start_offset: -1 })),
    })),
    forgotten_topics: [],
    rack_id: '',
  };
  fetchRequest.write(writer, request, FETCH_VERSION, false);
  return writer.toBuffer();
}

/** Reads the body (after the correlation id) of a Fetch v11 response. Throws ErrataError E_WIRE_… if malformed. */
export function decodeFetchResponse(body: Buffer): FetchResponse {
  return fetchResponse.read(new Reader(body), FETCH_VERSION, false);
}
