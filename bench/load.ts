/** Writes the events into their topic, in the order of event time and keyed by deployment, and works out the answers. */
import { partitionForKey } from '../wire/murmur2.ts';
import { type BatchRecord, encodeBatch } from '../wire/record_batch.ts';
import { type Answers, AnswersMaker } from './answers.ts';
import { BatchProducer } from './batch_producer.ts';
import { type EventOptions, EventStream, type MadeEvent } from './events.ts';

/** About 170 KB of the standard events: what a producer with some linger sends. */
const BATCH_BYTES = 170_000;
/** How far behind all others the last record of a partition is, so that every window closes. */
const END_AFTER_MS = 600_000;

export interface Load {
  topic: string;
  partitions: number;
  events: number;
  answers: Answers;
  /** Windows that begin from here on are not compared. */
  end_ms: number;
}

export async function loadEvents(
  brokers: string,
  topic: string,
  partitions: number,
  options: EventOptions,
): Promise<Load> {
  const writers = Array.from({ length: partitions }, (_, partition) => new Writer(brokers, topic, partition));
  const partitionOf = partitioner(partitions);
  const answers = new AnswersMaker();
  const stream = new EventStream(options);
  while (stream.left > 0) {
    const event = stream.next();
    answers.add(event);
    const sent = writers[partitionOf(event.deployment_id)]!.add(event);
    if (sent) await sent;
  }
  const end_ms = options.from_ms + options.span_ms;
  for (const event of lastEvents(partitions, end_ms + END_AFTER_MS))
    await writers[partitionOf(event.deployment_id)]!.add(event);
  for (const writer of writers) await writer.end();
  return { topic, partitions, events: options.events, answers: answers.finish(), end_ms };
}

/** One record for each partition. */
function lastEvents(partitions: number, time_ms: number): MadeEvent[] {
  const by_partition = new Map<number, MadeEvent>();
  const partitionOf = partitioner(partitions);
  for (let index = 0; by_partition.size < partitions; index++) {
    const deployment_id = `end-${index}`;
    const json = `{"prediction_id":"p-end","feedback_type":"implicit","timestamp":${time_ms},"time_to_action":1,"deployment_id":"${deployment_id}","model_version":"v1"}`;
    const event = { deployment_id, time_ms, rating: null, time_to_action: 1, json };
    by_partition.set(partitionOf(deployment_id), event);
  }
  return [...by_partition.values()];
}

function partitioner(partitions: number): (key: string) => number {
  const known = new Map<string, number>();
  return (key) => {
    const partition = known.get(key) ?? partitionForKey(Buffer.from(key), partitions);
    known.set(key, partition);
    return partition;
  };
}

/** The two batches that may be under way keep the generator and the broker busy at once. */
class Writer {
  readonly #producer: BatchProducer;
  #records: BatchRecord[] = [];
  #bytes = 0;
  #under_way: Promise<void> = Promise.resolve();

  constructor(brokers: string, topic: string, partition: number) {
    this.#producer = new BatchProducer(brokers, topic, partition);
  }

  /** A promise where the caller has to wait. */
  add({ deployment_id, time_ms, json }: MadeEvent): Promise<void> | undefined {
    const value = Buffer.from(json);
    this.#records.push({ key: Buffer.from(deployment_id), value, timestamp_ms: time_ms });
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
