/** Writes keyed records in batches, each into the partition to which Java clients send its key. */
import { partitionForKey } from '../wire/murmur2.ts';
import { type BatchRecord, encodeBatch } from '../wire/record_batch.ts';
import { BatchProducer } from './batch_producer.ts';

/** What a producer with some linger sends. */
const BATCH_BYTES = 170_000;

export interface KeyedRecord {
  key: string;
  time_ms: number;
  json: string;
}

export class TopicWriter {
  readonly #partitions: PartitionWriter[];

  constructor(brokers: string, topic: string, partitions: number) {
    this.#partitions = Array.from(
      { length: partitions },
      (_, partition) => new PartitionWriter(new BatchProducer(brokers, topic, partition)),
    );
  }

  /** A promise where the caller has to wait. */
  add(record: KeyedRecord): Promise<void> | undefined {
    const key = Buffer.from(record.key);
    return this.#partitions[partitionForKey(key, this.#partitions.length)]!.add(key, record);
  }

  async end(): Promise<void> {
    for (const partition of this.#partitions) await partition.end();
  }
}

/** Two batches may be under way, so that generator and broker are busy at once. */
class PartitionWriter {
  readonly #producer: BatchProducer;
  #records: BatchRecord[] = [];
  #bytes = 0;
  #under_way: Promise<void> = Promise.resolve();

  constructor(producer: BatchProducer) {
    this.#producer = producer;
  }

  add(key: Buffer, { time_ms, json }: KeyedRecord): Promise<void> | undefined {
    const value = Buffer.from(json);
    this.#records.push({ key, value, timestamp_ms: time_ms });
    this.#bytes += value.length;
    return this.#bytes >= BATCH_BYTES ? this.#flush() : undefined;
  }

  #flush(): Promise<void> {
    const before = this.#under_way;
    this.#under_way = this.#producer.send(encodeBatch(this.#records));
    this.#records = [];
    this.#bytes = 0;
    return before;
  }

  async end(): Promise<void> {
    if (this.#records.length > 0) await this.#flush();
    await this.#under_way;
    this.#producer.close();
  }
}

/** How far behind all others the last records are, so that every window closes. */
const END_AFTER_MS = 600_000;

/** A key for each partition, for records that end it, and their time. */
export function lastRecords(partitions: number, end_ms: number): { key: string; time_ms: number }[] {
  const keys = new Map<number, string>();
  for (let index = 0; keys.size < partitions; index++)
    keys.set(partitionForKey(Buffer.from(`end-${index}`), partitions), `end-${index}`);
  return [...keys.values()].map((key) => ({ key, time_ms: end_ms + END_AFTER_MS }));
}
