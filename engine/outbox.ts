/** Records on their way to Kafka: a queue per partition, each of which goes out a batch at a time. */
import { entryOf } from '../messages/entry_of.ts';
import { BatchWriter, encodeHeaders } from '../wire/batch_writer.ts';
import type { OutputRecord } from './effects.ts';
import { FRAME_BUFFERS } from './frame_buffers.ts';
import { kafkaHeaders } from './header_values.ts';
import { NO_RECORDS, type PackedLane, type PackedRecords } from './packed_records.ts';

/** A batch must fit into max.message.bytes, which is 1 MB where nobody changed it. */
const BATCH_MAX_BYTES = 768 * 1024;

type HeadersOf = (record: Pick<OutputRecord, 'headers'>) => Buffer;

export class Lane {
  readonly topic: string;
  readonly partition: number;
  readonly #records: OutputRecord[] = [];
  /** They go first. */
  readonly #packed: PackedRecords;
  readonly #packed_headers: OutputRecord['headers'];
  #next = 0;
  /** Lower after a refusal, until whatever was refused is found. */
  #max_records = Number.POSITIVE_INFINITY;

  constructor(topic: string, partition: number, packed?: PackedLane) {
    this.topic = topic;
    this.partition = partition;
    this.#packed = packed?.records ?? NO_RECORDS;
    this.#packed_headers = packed?.headers ?? {};
  }

  get left(): number {
    return this.#packed.length + this.#records.length - this.#next;
  }

  get first(): OutputRecord {
    const { length } = this.#packed;
    if (this.#next >= length) return this.#records[this.#next - length]!;
    const { topic, partition } = this;
    return { topic, partition, headers: this.#packed_headers, ...this.#packed.at(this.#next) };
  }

  add(record: OutputRecord): void {
    this.#records.push(record);
  }

  /** As many of its next records as one batch takes. Records without a time get `now_ms`. */
  nextBatch(now_ms: number, headersOf: HeadersOf): BatchWriter {
    const end = this.#next + Math.min(this.#max_records, this.left);
    const batch = new BatchWriter(this.#estimate(end), BATCH_MAX_BYTES, FRAME_BUFFERS);
    const { length } = this.#packed;
    let index = this.#next;
    if (index < length) {
      const headers = headersOf({ headers: this.#packed_headers });
      for (; index < Math.min(end, length); index++)
        if (!this.#packed.appendTo(batch, index, headers, now_ms)) return batch;
    }
    for (; index < end; index++) {
      const record = this.#records[index - length]!;
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

  /** What is packed goes before all others of its partition. */
  constructor(records: Iterable<OutputRecord>, packed?: PackedLane) {
    if (packed && packed.records.length > 0)
      this.#lanesOf(packed.topic)[packed.partition] = new Lane(packed.topic, packed.partition, packed);
    for (const record of records) this.add(record);
  }

  add(record: OutputRecord): void {
    const lanes = this.#lanesOf(record.topic);
    lanes[record.partition] ??= new Lane(record.topic, record.partition);
    lanes[record.partition]!.add(record);
  }

  #lanesOf(topic: string): Lane[] {
    return entryOf(this.#lanes, topic, () => []);
  }

  /** Those that have something left. */
  waiting(): Lane[] {
    return [...this.#lanes.values()].flat().filter((lane) => lane !== undefined && lane.left > 0);
  }

  /** Records of one kind share their headers object, so its bytes are mostly at hand. */
  readonly headersOf: HeadersOf = ({ headers }) => {
    if (headers !== this.#last_headers) {
      this.#last_headers = headers;
      this.#last_header_bytes = encodeHeaders(kafkaHeaders(headers));
    }
    return this.#last_header_bytes;
  };
}
