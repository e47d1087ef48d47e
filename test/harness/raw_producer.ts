/** A transactional or idempotent producer that sends every request itself, so that a test decides what is sent when. */
import { readChunk, recordsIn } from '../../engine/partition_reader.ts';
import { encodeFetchRequest, type FetchResponse, fetchRequest } from '../../wire/fetch.ts';
import { Reader } from '../../wire/primitives.ts';
import { type BatchHeader, batchesIn, encodeBatch } from '../../wire/record_batch.ts';
import { controlType, recordsOf } from '../../wire/record_cursor.ts';
import type { RawClient } from './raw_client.ts';

/** Coordinator starting or busy with the transaction before (Kafka answers before its markers are written). */
const PASSING_ERRORS = new Set([14, 15, 16, 51]);

export interface WriteOptions {
  transactional?: boolean;
  /** Default: the next number of that partition. */
  sequence?: number;
  partition?: number;
  key?: string;
  /** The value of every record is null. */
  tombstone?: boolean;
  timestamp_ms?: number;
}

export class RawProducer {
  #client: RawClient;
  readonly transactional_id: string | null;
  readonly #sequences = new Map<string, number>();
  producer_id = -1;
  producer_epoch = -1;

  constructor(client: RawClient, transactional_id: string | null = null) {
    this.#client = client;
    this.transactional_id = transactional_id;
  }

  /** Goes on over another connection, as after a restart of the broker. */
  reconnect(client: RawClient): void {
    this.#client = client;
  }

  /** Returns the error code; with `version` 3 and above it says who it is already. */
  async init(timeout_ms = 60_000, version = 1): Promise<number> {
    const { transactional_id, producer_id, producer_epoch } = this;
    await this.#client.call('FindCoordinator', 10, 2, { key: transactional_id ?? '', key_type: 1 });
    const request = { transactional_id, transaction_timeout_ms: timeout_ms, producer_id, producer_epoch };
    const answer = await retried(() =>
      this.#client.call<{ error_code: number; producer_id: number; producer_epoch: number }>(
        'InitProducerId',
        22,
        version,
        request,
      ),
    );
    if (answer.error_code === 0) {
      this.producer_id = answer.producer_id;
      this.producer_epoch = answer.producer_epoch;
      this.#sequences.clear();
    }
    return answer.error_code;
  }

  /** The error code of the first of the partitions. */
  async addPartitions(topic: string, partitions: number[] = [0], version = 1): Promise<number> {
    const request = { ...this.#identity(), topics: [{ name: topic, partitions }] };
    const answer = await retried(async () => {
      const { topics } = await this.#client.call<ByPartition>('AddPartitionsToTxn', 24, version, request);
      return topics[0]!.partitions.find(({ partition }) => partition === partitions[0])!;
    });
    return answer.error_code;
  }

  async addOffsets(group_id: string, version = 1): Promise<number> {
    const request = { ...this.#identity(), group_id };
    const call = () => this.#client.call<Answer>('AddOffsetsToTxn', 25, version, request);
    return (await retried(call)).error_code;
  }

  async commitOffset(group_id: string, topic: string, offset: number, options: object = {}, version = 2) {
    const partitions = [{ partition: 0, committed_offset: offset, leader_epoch: -1, metadata: 'm' }];
    const member = { generation_id: -1, member_id: '', group_instance_id: null };
    const topics = [{ name: topic, partitions }];
    const request = { ...this.#identity(), group_id, ...member, topics, ...options };
    const answer = await retried(async () => {
      const found = await this.#client.call<ByPartition>('TxnOffsetCommit', 28, version, request);
      return found.topics[0]!.partitions[0]!;
    });
    return answer.error_code;
  }

  async end(is_commit: boolean, version = 1): Promise<number> {
    const request = { ...this.#identity(), is_commit };
    return (await retried(() => this.#client.call<Answer>('EndTxn', 26, version, request))).error_code;
  }

  /** One batch with these values. */
  async write(topic: string, values: string[], options: WriteOptions = {}) {
    const { transactional = this.transactional_id !== null, partition = 0, key } = options;
    const { timestamp_ms = 1_700_000_000_000, tombstone = false } = options;
    const at = `${topic}-${partition}`;
    const base_sequence = options.sequence ?? this.#sequences.get(at) ?? 0;
    const { producer_id, producer_epoch } = this;
    const records = encodeBatch(
      values.map((value) => ({
        key: key === undefined ? null : Buffer.from(key),
        value: tombstone ? null : Buffer.from(value),
        timestamp_ms,
      })),
      { producer_id, producer_epoch, base_sequence, is_transactional: transactional },
    );
    const answer = await this.#client.call<{
      topics: { partitions: { error_code: number; base_offset: number }[] }[];
    }>('Produce', 0, 7, {
      transactional_id: this.transactional_id,
      acks: -1,
      timeout_ms: 5000,
      topics: [{ name: topic, partitions: [{ partition, records }] }],
    });
    const { error_code, base_offset } = answer.topics[0]!.partitions[0]!;
    if (error_code === 0) this.#sequences.set(at, base_sequence + values.length);
    return { error_code, base_offset };
  }

  #identity() {
    const { transactional_id, producer_id, producer_epoch } = this;
    return { transactional_id, producer_id, producer_epoch };
  }
}

interface Answer {
  error_code: number;
}
interface ByPartition {
  topics: { partitions: (Answer & { partition: number })[] }[];
}

async function retried<T extends Answer>(call: () => Promise<T>): Promise<T> {
  for (let left = 300; ; left--) {
    const answer = await call();
    if (!PASSING_ERRORS.has(answer.error_code) || left === 0) return answer;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

export interface ReadLog {
  /** Offset and value of each record, the aborted ones too; a marker has `commit` or `abort` in place of the value. */
  records: [offset: number, value: string][];
  /** The values without those of transactions on the aborted list. */
  valid: string[];
  /** As a list of `[producer id, first offset]`, in the order of offsets. */
  aborted: [producer_id: number, first_offset: number][];
  last_stable_offset: number;
  high_watermark: number;
}

/** Everything from the offset on; Kafka gives it in several answers. */
export async function readLog(
  client: RawClient,
  topic: string,
  isolation: 'read_committed' | 'read_uncommitted',
  from = 0,
  partition = 0,
): Promise<ReadLog> {
  const records: ReadLog['records'] = [];
  const valid: string[] = [];
  const aborted = new Map<string, [number, number]>();
  for (let offset = from; ; ) {
    const found = await fetchOnce(client, topic, partition, offset, isolation);
    const bytes = found.records ?? Buffer.alloc(0);
    for (const one of found.aborted_transactions ?? []) {
      aborted.set(JSON.stringify(one), [one.producer_id, one.first_offset]);
    }
    valid.push(...[...recordsIn(readChunk(found, offset).chunk)].map(({ value }) => String(value)));
    for (const header of batchesIn(bytes)) {
      records.push(...shown(bytes, header));
      offset = header.last_offset + 1;
    }
    if (bytes.length > 0) continue;
    const { last_stable_offset, high_watermark } = found;
    const in_order = [...aborted.values()].toSorted((a, b) => a[1] - b[1]);
    return { records, valid, aborted: in_order, last_stable_offset, high_watermark };
  }
}

function shown(bytes: Buffer, header: BatchHeader): [number, string][] {
  if (header.is_control) return [[header.base_offset, controlType(bytes, header)]];
  return recordsOf(bytes, header).map(({ offset, value }) => [offset, String(value)]);
}

async function fetchOnce(
  client: RawClient,
  topic: string,
  partition: number,
  fetch_offset: number,
  isolation: 'read_committed' | 'read_uncommitted',
) {
  const limits = { max_wait_ms: 0, min_bytes: 0, max_bytes: 5e7, isolation };
  const partitions = [{ partition, fetch_offset, partition_max_bytes: 5e7 }];
  const body = encodeFetchRequest({ ...limits, topics: [{ topic, partitions }] });
  const request = fetchRequest.read(new Reader(body), 11, false);
  const answer = await client.call<FetchResponse>('Fetch', 1, 11, request);
  return answer.topics[0]!.partitions[0]!;
}
