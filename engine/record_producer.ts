/**
 * Writes records to Kafka by Produce requests of its own over kafkajs's connections: one request per leader, with a
 * batch of each partition that it leads; the next one when that is acknowledged, so order is kept.
 *
 * What a topic does not take goes to the dead letters: a batch that is refused for its records is sent in halves, until
 * the record is alone that has to go.
 */
import { ErrataError } from '../messages/errata_error.ts';
import { PRODUCE } from '../wire/produce.ts';
import { encoded, exchange } from './broker_exchange.ts';
import type { OutputRecord } from './effects.ts';
import { FRAME_BUFFERS } from './frame_buffers.ts';
import type { Cluster } from './kafka.ts';
import { classOf, kafkaError } from './kafka_errors.ts';
import type { Lane, Outbox } from './outbox.ts';

/** What to write in place of a record that its topic does not take, and why it does not. */
export type DeadLetter = (record: OutputRecord, refusal: ErrataError) => OutputRecord;

/** Who writes, in a transaction. */
export interface Writer {
  transactional_id: string;
  producer_id: number;
  producer_epoch: number;
  /** The sequence number of the next record of a partition. */
  sequenceOf(lane: Lane): number;
  onWritten(lane: Lane, records: number): void;
  /** Before anything is written to the partitions; some may have been told before. */
  announce(lanes: readonly Lane[]): Promise<void>;
}

const PRODUCE_VERSION = 7;
/** Acknowledged by all replicas in sync. */
const ACKS_ALL = -1;
const ACK_TIMEOUT_MS = 30_000;
/** Brokers refuse requests of more than 100 MB (socket.request.max.bytes). */
const REQUEST_MAX_BYTES = 32 * 1024 * 1024;

interface Sent {
  lane: Lane;
  count: number;
  batch: Buffer;
}

export class RecordProducer {
  readonly #cluster: Cluster;
  readonly #dead_letter: DeadLetter;
  readonly #known_topics = new Set<string>();
  #is_stale = false;

  constructor(cluster: Cluster, dead_letter: DeadLetter) {
    this.#cluster = cluster;
    this.#dead_letter = dead_letter;
  }

  /**
   * Resolves once everything in the outbox is acknowledged. Rejects with what Kafka answered; what was acknowledged
   * before is no longer in the outbox.
   */
  async flush(outbox: Outbox, writer?: Writer): Promise<void> {
    try {
      for (let lanes = outbox.waiting(); lanes.length > 0; lanes = outbox.waiting()) {
        await this.#know(lanes);
        await writer?.announce(lanes);
        const by_leader = Map.groupBy(lanes, (lane) => this.#leaderOf(lane));
        await all([...by_leader].map(([leader, led]) => this.#send(leader, led, outbox, writer)));
      }
    } catch (error) {
      this.#is_stale = true;
      throw error;
    }
  }

  async #know(lanes: readonly Lane[]): Promise<void> {
    await this.#cluster.connect();
    const unknown = new Set(lanes.map(({ topic }) => topic)).difference(this.#known_topics);
    if (unknown.size > 0) await this.#cluster.addMultipleTargetTopics([...unknown]);
    for (const topic of unknown) this.#known_topics.add(topic);
    if (this.#is_stale) await this.#cluster.refreshMetadata();
    this.#is_stale = false;
  }

  #leaderOf({ topic, partition }: Lane): number {
    const found = this.#cluster.findTopicPartitionMetadata(topic);
    const leader = found.find(({ partitionId }) => partitionId === partition)?.leader ?? -1;
    if (leader === -1) throw kafkaError(LEADER_NOT_AVAILABLE, `topic ${topic}/${partition}`);
    return leader;
  }

  async #send(leader: number, lanes: Lane[], outbox: Outbox, writer: Writer | undefined): Promise<void> {
    const sent = encodeBatches(lanes, outbox, writer);
    const topics = [...Map.groupBy(sent, ({ lane }) => lane.topic)].map(([name, own]) => ({
      name,
      partitions: own.map(({ lane, batch }) => ({ partition: lane.partition, records: batch })),
    }));
    const request = {
      transactional_id: writer?.transactional_id ?? null,
      acks: ACKS_ALL,
      timeout_ms: ACK_TIMEOUT_MS,
      topics,
    };
    const capacity_bytes = 1024 + sent.reduce((sum, { batch }) => sum + batch.length + 64, 0);
    const broker = await this.#cluster.findBroker({ nodeId: leader });
    const message = encoded(PRODUCE, PRODUCE_VERSION, request, FRAME_BUFFERS.take(capacity_bytes));
    for (const { batch } of sent) FRAME_BUFFERS.giveBack(batch.buffer);
    const answer = await exchange(this.#cluster, broker, message);
    // What was answered has been sent; of what failed nobody knows.
    FRAME_BUFFERS.giveBack(message.body.buffer);
    const codes = new Map(
      answer.topics.flatMap(({ name, partitions }) =>
        partitions.map(({ partition, error_code }) => [`${name}/${partition}`, error_code] as const),
      ),
    );
    const failures = sent.map((one) => this.#settle(one, codes, outbox, writer)).filter(isFailure);
    if (failures.length > 0) throw failures.find((error) => classOf(error) !== 'retry') ?? failures[0]!;
  }

  /** What the answer says of one batch; returns why the whole cannot go on. */
  #settle(
    { lane, count }: Sent,
    codes: ReadonlyMap<string, number>,
    outbox: Outbox,
    writer: Writer | undefined,
  ): ErrataError | undefined {
    const { topic, partition } = lane;
    const error_code = codes.get(`${topic}/${partition}`) ?? UNKNOWN_SERVER_ERROR;
    if (error_code === 0) {
      writer?.onWritten(lane, count);
      lane.drop(count);
      return undefined;
    }
    const error = kafkaError(error_code, `topic ${topic}/${partition}`);
    if (classOf(error) !== 'set_aside') return error;
    if (count > 1) {
      lane.narrow(count);
      return undefined;
    }
    const letter = this.#dead_letter(lane.first, error);
    if (letter.topic === topic) return refusedLetter(lane.first, error);
    lane.drop(1);
    outbox.add(letter);
    return undefined;
  }
}

const UNKNOWN_SERVER_ERROR = -1;
const LEADER_NOT_AVAILABLE = 5;

function encodeBatches(lanes: readonly Lane[], outbox: Outbox, writer: Writer | undefined): Sent[] {
  const now_ms = Date.now();
  const sent: Sent[] = [];
  let size_bytes = 0;
  for (const lane of lanes) {
    if (size_bytes > REQUEST_MAX_BYTES) break;
    const filled = lane.nextBatch(now_ms, outbox.headersOf);
    const batch = filled.finish(writer && identity(writer, lane));
    sent.push({ lane, count: filled.count, batch });
    size_bytes += batch.length;
  }
  return sent;
}

function identity(writer: Writer, lane: Lane) {
  const { producer_id, producer_epoch } = writer;
  return { producer_id, producer_epoch, base_sequence: writer.sequenceOf(lane), is_transactional: true };
}

function refusedLetter({ topic, value }: OutputRecord, cause: ErrataError): ErrataError {
  return new ErrataError(
    'E_DEAD_LETTER_REFUSED',
    `dead-letter topic ${topic} does not take ${value?.length ?? 0} bytes`,
    { cause: cause.message, hint: 'raise its max.message.bytes to 1 MB' },
  );
}

function isFailure(error: ErrataError | undefined): error is ErrataError {
  return error !== undefined;
}

/** Waits for all, also where one has failed: nothing is under way any more when this rejects. */
export async function all(running: readonly Promise<void>[]): Promise<void> {
  const settled = await Promise.allSettled(running);
  const failed = settled.find((one) => one.status === 'rejected');
  if (failed) throw failed.reason;
}
