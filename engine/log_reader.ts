/**
 * Reads partitions of Kafka's log from given offsets: Fetch v11 over kafkajs's broker connections. The same reader
 * serves tasks, restores and data sets.
 *
 * 1. Only partitions whose reader wants more are asked for, so a slow one holds up nobody. The one that brought
 *    something goes to the end of the line, so none crowds out the others.
 * 2. An offset out of range is reported, never jumped over.
 * 3. A partition whose bytes are broken is reported and asked for again, later and later; the others go on.
 * 4. A broker that is away is asked again with backoff; until it answers, its partitions are `unhealthy`, which is
 *    not the same as having nothing to read.
 * 5. An answer that no asking again changes is told, and the partition is not asked for any more.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from 'pino';
import { type ErrataError, errorMessage } from '../messages/errata_error.ts';
import type { FetchedPartition, FetchResponse } from '../wire/fetch.ts';
import { type FetchLimits, type FetchPlace, fetchFrom } from './fetch_exchange.ts';
import { Lease } from './frame_buffers.ts';
import { type Cluster, KAFKA_DEFAULTS, type KafkaSettings } from './kafka.ts';
import { classOf, fatalError, kafkaError } from './kafka_errors.ts';
import { type Chunk, readChunk } from './partition_reader.ts';

/** Where the reader puts what it finds. */
export interface PartitionSink {
  /** False: leave this partition out of the next fetch. */
  wantsMore(): boolean;
  /** Called for every answer, also for one without records: `end_offset` tells whether this is the end. */
  onChunk(chunk: Chunk, end_offset: number): void;
  /** The position is below `log_start_offset`, else above the end. Call `seek` or `remove`. */
  onOutOfRange(position: number, log_start_offset: number): void;
  /** The broker does not answer, or what it sent is broken. Reading goes on by itself. */
  onUnhealthy(reason: string): void;
}

interface Reading extends FetchPlace {
  sink: PartitionSink;
  /** Set while out of range, until somebody seeks. */
  stuck: boolean;
  /** After a failure: it is left out of fetches until then. */
  not_before_ms: number;
  backoff_ms: number;
}

export type LogReaderOptions = FetchLimits;

export function readerOptions(settings: FetchSettings): LogReaderOptions {
  return {
    isolation: 'read_committed',
    max_wait_ms: settings.fetch_max_wait_ms,
    partition_max_bytes: settings.max_partition_fetch_bytes,
    max_bytes: settings.fetch_max_bytes,
  };
}

type FetchSettings = Pick<
  KafkaSettings,
  'fetch_max_wait_ms' | 'max_partition_fetch_bytes' | 'fetch_max_bytes'
>;

export const READER_DEFAULTS = readerOptions(KAFKA_DEFAULTS);

const ERROR = { none: 0, offset_out_of_range: 1 };
const BACKOFF_MS = { first: 50, most: 2_000 };

export class LogReader {
  readonly #cluster: Cluster;
  readonly #options: LogReaderOptions;
  readonly #log: Logger;
  readonly #onRefused: (error: ErrataError) => void;
  readonly #readings = new Map<string, Reading>();
  /** One fetch loop per leader; a loop ends when it has had nothing to read. */
  readonly #loops = new Map<number, Promise<void>>();
  readonly #wakers = new Set<() => void>();
  readonly #stop = new AbortController();
  #planning: Promise<void> | undefined;
  #unplanned = false;

  /** `onRefused`: Kafka does not let us read, for good. */
  constructor(
    cluster: Cluster,
    options: LogReaderOptions,
    log: Logger,
    onRefused: (error: ErrataError) => void = () => undefined,
  ) {
    this.#cluster = cluster;
    this.#options = options;
    this.#log = log;
    this.#onRefused = onRefused;
  }

  add(topic: string, partition: number, position: number, sink: PartitionSink): void {
    const backoff_ms = BACKOFF_MS.first;
    const reading = { topic, partition, position, sink, stuck: false, not_before_ms: 0, backoff_ms };
    this.#readings.set(id(topic, partition), reading);
    this.#plan();
  }

  remove(topic: string, partition: number): void {
    this.#readings.delete(id(topic, partition));
  }

  seek(topic: string, partition: number, position: number): void {
    const reading = this.#readings.get(id(topic, partition));
    if (!reading) return;
    reading.position = position;
    reading.stuck = false;
    this.wake();
  }

  /** A sink that had enough wants more again. */
  wake(): void {
    for (const waker of this.#wakers) waker();
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    this.#readings.clear();
    this.wake();
    // Whatever still used the cluster would connect it anew after its disconnection.
    await Promise.allSettled([this.#planning, ...this.#loops.values()]);
  }

  get #stopped(): boolean {
    return this.#stop.signal.aborted;
  }

  #plan(): void {
    this.#unplanned = true;
    this.#planning ??= this.#findLeaders();
  }

  /** Finds the leaders of all partitions and sees to it that each leader has a loop. */
  async #findLeaders(): Promise<void> {
    let backoff_ms = BACKOFF_MS.first;
    while (this.#unplanned && !this.#stopped) {
      this.#unplanned = false;
      try {
        await this.#cluster.connect();
        await this.#cluster.addMultipleTargetTopics([...new Set(this.#all().map(({ topic }) => topic))]);
        for (const leader of this.#leaders()) this.#ensureLoop(leader);
        if (this.#all().every((reading) => this.#leaderOf(reading) !== undefined)) continue;
        await this.#cluster.refreshMetadata();
      } catch (error) {
        this.#unhealthy(this.#all(), errorMessage(error));
        if (classOf(error) === 'fatal') this.#onRefused(fatalError(error));
      }
      this.#unplanned = true;
      await delay(backoff_ms, undefined, { signal: this.#stop.signal }).catch(() => undefined);
      backoff_ms = Math.min(backoff_ms * 2, BACKOFF_MS.most);
    }
    this.#planning = undefined;
  }

  #all(): Reading[] {
    return [...this.#readings.values()];
  }

  #leaders(): Set<number> {
    return new Set(
      this.#all()
        .map((reading) => this.#leaderOf(reading))
        .filter(isKnown),
    );
  }

  #leaderOf({ topic, partition }: Reading): number | undefined {
    const found = this.#cluster
      .findTopicPartitionMetadata(topic)
      .find(({ partitionId }) => partitionId === partition)?.leader;
    return found === -1 ? undefined : found;
  }

  #ensureLoop(leader: number): void {
    if (this.#loops.has(leader)) return;
    const loop = this.#run(leader).finally(() => this.#loops.delete(leader));
    this.#loops.set(leader, loop);
  }

  async #run(leader: number): Promise<void> {
    let backoff_ms = BACKOFF_MS.first;
    while (!this.#stopped) {
      const led = this.#all().filter((reading) => this.#leaderOf(reading) === leader);
      if (led.length === 0) return;
      const wanted = led.filter(isWanted);
      if (wanted.length === 0) {
        await this.#nap(this.#options.max_wait_ms);
        continue;
      }
      try {
        await this.#fetch(leader, wanted);
        backoff_ms = BACKOFF_MS.first;
      } catch (error) {
        this.#log.warn({ leader, error: errorMessage(error) }, 'fetch failed, trying again');
        this.#unhealthy(wanted, errorMessage(error));
        await this.#nap(backoff_ms);
        backoff_ms = Math.min(backoff_ms * 2, BACKOFF_MS.most);
        await this.#refresh();
      }
    }
  }

  async #fetch(leader: number, wanted: Reading[]): Promise<void> {
    const asked = new Map(wanted.map((reading) => [reading, reading.position]));
    const response = await fetchFrom(this.#cluster, leader, this.#options, wanted);
    const lease = leaseOf(response);
    let moved = false;
    for (const { topic, partitions } of response.topics)
      for (const fetched of partitions) moved = !this.#take(topic, fetched, asked, lease) || moved;
    if (moved) await this.#refresh();
  }

  /** False where the partition is led by somebody else now. */
  #take(
    topic: string,
    fetched: FetchedPartition,
    asked: ReadonlyMap<Reading, number>,
    lease: Lease | undefined,
  ): boolean {
    const reading = this.#readings.get(id(topic, fetched.partition));
    // Removed, or moved by a seek, while the fetch was under way.
    if (!reading || asked.get(reading) !== reading.position) return true;
    switch (fetched.error_code) {
      case ERROR.none:
        this.#deliver(reading, fetched, lease);
        return true;
      case ERROR.offset_out_of_range:
        void this.#reportOutOfRange(reading);
        return true;
      default:
        this.#fail(reading, kafkaError(fetched.error_code, `topic ${topic}/${fetched.partition}`));
        return false;
    }
  }

  #fail(reading: Reading, error: ErrataError): void {
    this.#putOff(reading, error.message);
    if (classOf(error) !== 'fatal') return;
    reading.stuck = true;
    this.#onRefused(error);
  }

  /** Kafka's answer does not say where the log starts (its log start offset is -1), so that has to be asked. */
  async #reportOutOfRange(reading: Reading): Promise<void> {
    const { topic, partition, position, sink } = reading;
    reading.stuck = true;
    try {
      const [found] = await this.#cluster.fetchTopicsOffset([
        { topic, partitions: [{ partition }], fromBeginning: true },
      ]);
      const log_start_offset = Number(found?.partitions[0]?.offset);
      // Removed, or moved by a seek, meanwhile.
      if (this.#readings.get(id(topic, partition)) !== reading || reading.position !== position) return;
      sink.onOutOfRange(position, log_start_offset);
    } catch (error) {
      reading.stuck = false;
      this.#putOff(reading, errorMessage(error));
    }
  }

  #deliver(reading: Reading, fetched: FetchedPartition, lease: Lease | undefined): void {
    const end_offset =
      this.#options.isolation === 'read_committed' ? fetched.last_stable_offset : fetched.high_watermark;
    const { chunk, broken } = readChunk(fetched, reading.position);
    if (chunk.next_offset !== reading.position) this.#toEndOfLine(reading);
    reading.position = chunk.next_offset;
    reading.backoff_ms = BACKOFF_MS.first;
    reading.sink.onChunk(lease ? { ...chunk, lease } : chunk, end_offset);
    if (broken) this.#putOff(reading, errorMessage(broken));
  }

  #toEndOfLine(reading: Reading): void {
    const key = id(reading.topic, reading.partition);
    this.#readings.delete(key);
    this.#readings.set(key, reading);
  }

  #putOff(reading: Reading, reason: string): void {
    reading.not_before_ms = Date.now() + reading.backoff_ms;
    reading.backoff_ms = Math.min(reading.backoff_ms * 2, BACKOFF_MS.most);
    reading.sink.onUnhealthy(reason);
  }

  async #refresh(): Promise<void> {
    try {
      await this.#cluster.refreshMetadata();
      for (const leader of this.#leaders()) this.#ensureLoop(leader);
      if (this.#all().some((reading) => this.#leaderOf(reading) === undefined)) this.#plan();
    } catch (error) {
      this.#log.debug({ error: errorMessage(error) }, 'metadata not refreshed');
    }
  }

  #unhealthy(readings: Reading[], reason: string): void {
    for (const { sink } of readings) sink.onUnhealthy(reason);
  }

  #nap(time_ms: number): Promise<void> {
    if (this.#stopped) return Promise.resolve();
    return new Promise((resolve) => {
      const done = () => {
        clearTimeout(timer);
        this.#wakers.delete(done);
        resolve();
      };
      const timer = setTimeout(done, time_ms);
      this.#wakers.add(done);
    });
  }
}

function id(topic: string, partition: number): string {
  return `${topic}/${partition}`;
}

function isWanted({ stuck, sink, not_before_ms }: Reading): boolean {
  return !stuck && sink.wantsMore() && Date.now() >= not_before_ms;
}

function isKnown(leader: number | undefined): leader is number {
  return leader !== undefined;
}

/** Of the memory that its records share. */
function leaseOf({ topics }: FetchResponse): Lease | undefined {
  const parts = topics.flatMap(({ partitions }) => partitions.flatMap(({ records }) => records ?? []));
  return parts.length > 0 ? new Lease(parts[0]!.buffer, parts.length) : undefined;
}
