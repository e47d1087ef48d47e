import {
  FETCH_API_KEY,
  FETCH_VERSION,
  type FetchedPartition,
  fetchRequest,
  fetchResponse,
} from '../../wire/fetch.ts';
import { readBatchHeader } from '../../wire/record_batch.ts';
import type { Decoded } from '../../wire/schema.ts';
import { type BrokerState, defineApi, type RequestContext } from '../api.ts';
import { KAFKA_ERROR } from '../error_codes.ts';
import type { Partition } from '../log/topics.ts';

type FetchRequest = Decoded<typeof fetchRequest>;
type AskedPartition = FetchRequest['topics'][number]['partitions'][number];

const READ_COMMITTED = 1;
const RESPONSE_OVERHEAD_BYTES = 256;

/**
 * Whole batches from the offsets asked for; waits up to `max_wait_ms` until there are `min_bytes`. With read_committed
 * nothing from the last stable offset on, and a list of what is void in the rest (KIP-98). Without fetch
 * sessions (KIP-227): every answer is complete and its session id 0, which tells clients not to use any.
 */
export const fetch = defineApi({
  key: FETCH_API_KEY,
  name: 'Fetch',
  min_version: 4,
  max_version: FETCH_VERSION,
  request: fetchRequest,
  response: fetchResponse,
  sizeHint: ({ topics }) => {
    const partitions = topics.flatMap((topic) => topic.partitions);
    return partitions.reduce((sum, one) => sum + (one.records?.length ?? 0) + RESPONSE_OVERHEAD_BYTES, 1024);
  },
  async handle(request, context) {
    await waitForData(request, context);
    return {
      throttle_ms: 0,
      error_code: KAFKA_ERROR.NONE,
      session_id: 0,
      topics: readAll(request, context.broker),
    };
  },
});

async function waitForData(request: FetchRequest, { broker, closed }: RequestContext): Promise<void> {
  if (request.max_wait_ms <= 0 || isReady(request, broker)) return;
  const waiting = partitionsOf(request, broker);
  const { promise, resolve } = Promise.withResolvers<void>();
  const wake = () => {
    if (isReady(request, broker)) resolve();
  };
  const timer = setTimeout(resolve, request.max_wait_ms);
  const leave = () => resolve();
  closed.addEventListener('abort', leave);
  for (const partition of waiting) partition.waiting.add(wake);
  await promise;
  clearTimeout(timer);
  closed.removeEventListener('abort', leave);
  for (const partition of waiting) partition.waiting.delete(wake);
}

function partitionsOf({ topics }: FetchRequest, broker: BrokerState): Partition[] {
  return topics.flatMap(({ topic, partitions }) =>
    partitions.flatMap((asked) => broker.topics.partition(topic, asked.partition) ?? []),
  );
}

/** An error is an answer too and is not waited with. */
function isReady({ topics, min_bytes, isolation_level }: FetchRequest, broker: BrokerState): boolean {
  let bytes = 0;
  for (const { topic, partitions } of topics) {
    for (const asked of partitions) {
      const partition = broker.topics.partition(topic, asked.partition);
      if (fetchProblem(partition, asked) !== KAFKA_ERROR.NONE) return true;
      const end = readableEnd(partition!, isolation_level);
      bytes += broker.log.availableBytes(partition!, asked.fetch_offset, min_bytes - bytes, end);
      if (bytes >= min_bytes) return true;
    }
  }
  return false;
}

function readableEnd(partition: Partition, isolation_level: number): number {
  return isolation_level === READ_COMMITTED ? partition.last_stable_offset : partition.high_watermark;
}

function fetchProblem(partition: Partition | undefined, asked: AskedPartition): number {
  if (partition === undefined) return KAFKA_ERROR.UNKNOWN_TOPIC_OR_PARTITION;
  if (asked.current_leader_epoch > 0) return KAFKA_ERROR.UNKNOWN_LEADER_EPOCH;
  const { log_start_offset, high_watermark } = partition;
  const is_inside = asked.fetch_offset >= log_start_offset && asked.fetch_offset <= high_watermark;
  return is_inside ? KAFKA_ERROR.NONE : KAFKA_ERROR.OFFSET_OUT_OF_RANGE;
}

function readAll(request: FetchRequest, broker: BrokerState) {
  let left = Math.min(request.max_bytes, broker.config.max_fetch_bytes);
  let is_empty = true;
  return request.topics.map(({ topic, partitions }) => ({
    topic,
    partitions: partitions.map((asked) => {
      const partition = broker.topics.partition(topic, asked.partition);
      const error_code = fetchProblem(partition, asked);
      if (partition === undefined || error_code !== KAFKA_ERROR.NONE)
        return failed(asked.partition, error_code);
      const limit = Math.min(left, asked.partition_max_bytes);
      // A first batch above every limit is given all the same, or the consumer would never get past it.
      const end = readableEnd(partition, request.isolation_level);
      const batches =
        limit > 0 || is_empty ? broker.log.read(partition, asked.fetch_offset, limit, is_empty, end) : [];
      const records = batches.length === 1 ? batches[0]! : Buffer.concat(batches);
      left -= records.length;
      if (records.length > 0) is_empty = false;
      const aborted_transactions =
        request.isolation_level === READ_COMMITTED
          ? abortedIn(broker, partition, asked.fetch_offset, batches.at(-1))
          : null;
      return { ...answered(partition, records), aborted_transactions };
    }),
  }));
}

function answered(partition: Partition, records: Buffer): FetchedPartition {
  const { high_watermark, last_stable_offset, log_start_offset } = partition;
  return { ...failed(partition.partition, 0), high_watermark, last_stable_offset, log_start_offset, records };
}

function abortedIn(broker: BrokerState, partition: Partition, from: number, last: Buffer | undefined) {
  if (last === undefined) return [];
  return broker.log.abortedTransactions(partition, from, readBatchHeader(last, 0)!.last_offset + 1);
}

function failed(partition: number, error_code: number): FetchedPartition {
  return {
    partition,
    error_code,
    high_watermark: -1,
    last_stable_offset: -1,
    log_start_offset: -1,
    aborted_transactions: null,
    preferred_read_replica: -1,
    records: Buffer.alloc(0),
  };
}
