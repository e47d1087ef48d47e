/** A log reader for a test, and a sink that keeps what it is given and lets the test wait for it. */
import type { TestContext } from 'node:test';
import pino from 'pino';
import { connectKafka, createCluster, KAFKA_DEFAULTS, type KafkaSettings } from '../../engine/kafka.ts';
import {
  LogReader,
  type LogReaderOptions,
  type PartitionSink,
  READER_DEFAULTS,
} from '../../engine/log_reader.ts';
import { type Chunk, type LogRecord, recordsIn } from '../../engine/partition_reader.ts';

export const SILENT = pino({ level: 'silent' });

export function settingsFor(address: string, changed: Partial<KafkaSettings> = {}): KafkaSettings {
  return { brokers: [address], client_id: 'errata-test', ...KAFKA_DEFAULTS, ...changed };
}

/** Stopped with the test. */
export function openReader(
  t: TestContext,
  address: string,
  options: Partial<LogReaderOptions> = {},
): LogReader {
  const cluster = createCluster(connectKafka(settingsFor(address), SILENT));
  const reader = new LogReader(cluster, { ...READER_DEFAULTS, max_wait_ms: 100, ...options }, SILENT);
  t.after(async () => {
    await reader.stop();
    await cluster.disconnect();
  });
  return reader;
}

export class CollectingSink implements PartitionSink {
  readonly records: LogRecord[] = [];
  readonly out_of_range: { position: number; log_start_offset: number }[] = [];
  readonly troubles: string[] = [];
  wants = true;
  answers = 0;
  next_offset = -1;
  end_offset = -1;
  #waiting: { met: () => boolean; resolve: () => void }[] = [];

  wantsMore(): boolean {
    return this.wants;
  }

  onChunk(chunk: Chunk, end_offset: number): void {
    this.records.push(...recordsIn(chunk));
    this.answers += 1;
    this.next_offset = chunk.next_offset;
    this.end_offset = end_offset;
    this.#changed();
  }

  onOutOfRange(position: number, log_start_offset: number): void {
    this.out_of_range.push({ position, log_start_offset });
    this.#changed();
  }

  onUnhealthy(reason: string): void {
    this.troubles.push(reason);
    this.#changed();
  }

  /** Resolves as soon as the condition holds, looked at whenever something comes in. */
  until(met: (sink: CollectingSink) => boolean): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.push({ met: () => met(this), resolve });
      this.#changed();
    });
  }

  get values(): (string | null)[] {
    return this.records.map(({ value }) => value?.toString() ?? null);
  }

  get offsets(): number[] {
    return this.records.map(({ offset }) => offset);
  }

  #changed(): void {
    const met = this.#waiting.filter((one) => one.met());
    this.#waiting = this.#waiting.filter((one) => !met.includes(one));
    for (const { resolve } of met) resolve();
  }
}
