/** Records on their way to Kafka: a queue per partition, each of which goes out a batch at a time. */
import { BatchWriter, encodeHeaders } from '../wire/batch_writer.ts';
import type { OutputRecord } from './effects.ts';
import { kafkaHeaders } from './header_values.ts';

/** A batch must fit into max.message.bytes, which is 1 MB where nobody changed it. */
const BATCH_MAX_BYTES = 768 * 1024;

export class Lane {
  readonly topic: string;
  readonly partition: number;
  readonly #records: OutputRecord[] = [];
  #next = 0;
  /** Lower after a refusal, until whatever was refused is found. */
  #max_records = Number.POSITIVE_INFINITY;

  constructor(topic: string, partition: number) {
    this.topic = topic;
    this.partition = partition;
  }

  get left(): number {
    return this.#records.length - this.#next;
  }

  get first(): OutputRecord {
    return this.#records[this.#next]!;
  }

  add(record: OutputRecord): void {
    this.#records.push(record);
  }

  /** As many of its next records as one batch takes. Records without a time get `now_ms`. */
  nextBatch(now_ms: number, headersOf: (record: OutputRecord) => Buffer): BatchWriter {
    const end = Math.min(this.#next + this.#max_records, this.#records.length);
    const batch = new BatchWriter(this.#estimate(end), BATCH_MAX_BYTES);
    for (let index = this.#next; index < end; index++) {
      const record = this.#records[index]!;
      if (!batch.append(record.key, record.value, headersOf(record), record.timestamp_ms ?? now_ms)) break;
    }
    return batch;
  }

  /** The next `count` records are in the log, or somewhere else. */
  drop(count: number): void {
    this.#next += count;
    this.#max_records *= 2;
  }

  /** A batch of `count` records was refused: smaller ones show which of them it is about. */
  narrow(count: number): void {
    this.#max_records = Math.ceil(count / 2);
  }

  /** Bytes for the records up to `end`, going by the first. */
  #estimate(end: number): number {
    const { key, value } = this.first;
    const record_bytes = 64 + (key?.length ?? 0) + (value?.length ?? 0);
    return Math.min((end - this.#next) * record_bytes, BATCH_MAX_BYTES);
  }
}

export class Outbox {
  readonly #lanes = new Map<string, Lane[]>();
  #last_headers: OutputRecord['headers'] | undefined;
  #last_header_bytes!: Buffer;

  constructor(records: Iterable<OutputRecord>) {
    for (const record of records) this.add(record);
  }

  add(record: OutputRecord): void {
    let lanes = this.#lanes.get(record.topic);
    if (!lanes) {
      lanes = [];
      this.#lanes.set(record.topic, lanes);
    }
    lanes[record.partition] ??= new Lane(record.topic, record.partition);
    lanes[record.partition]!.add(record);
  }

  /** Those that have something left. */
  waiting(): Lane[] {
    return [...this.#lanes.values()].flat().filter((lane) => lane !== undefined && lane.left > 0);
  }

  /** Records of one kind share their headers object, so its bytes are mostly at hand. */
  readonly headersOf = ({ headers }: OutputRecord): Buffer => {
    if (headers !== this.#last_headers) {
      this.#last_headers = headers;
      this.#last_header_bytes = encodeHeaders(kafkaHeaders(headers));
    }
    return this.#last_header_bytes;
  };
}
