/**
 * Reads the results of a run as a consumer would (read_committed), and knows when they stand for all events: then the
 * counts of the last result of every window add up to them.
 */
import pino from 'pino';
import { connectKafka, createCluster, KAFKA_DEFAULTS } from '../engine/kafka.ts';
import { LogReader, READER_DEFAULTS } from '../engine/log_reader.ts';
import { type LogRecord, recordsIn } from '../engine/partition_reader.ts';
import { type Answers, type Counted, type Load, windowStartOf } from './job.ts';

const SILENT = pino({ level: 'silent' });

/** Calls `onRecord` as records become readable, until `stop`. */
export class TopicWatch {
  readonly #reader: LogReader;
  readonly #cluster: ReturnType<typeof createCluster>;

  constructor(brokers: string, topic: string, partitions: number, onRecord: (record: LogRecord) => void) {
    const settings = { ...KAFKA_DEFAULTS, brokers: [brokers], client_id: 'bench-watch' };
    this.#cluster = createCluster(connectKafka(settings, SILENT));
    this.#reader = new LogReader(this.#cluster, { ...READER_DEFAULTS, max_wait_ms: 500 }, SILENT);
    for (let partition = 0; partition < partitions; partition++)
      this.#reader.add(topic, partition, 0, {
        wantsMore: () => true,
        onChunk: (chunk) => {
          for (const record of recordsIn(chunk)) onRecord(record);
        },
        onOutOfRange: (_, log_start_offset) => this.#reader.seek(topic, partition, log_start_offset),
        onUnhealthy: () => undefined,
      });
  }

  async stop(): Promise<void> {
    await this.#reader.stop();
    await this.#cluster.disconnect();
  }
}

export class ResultsWatch<Answer extends Counted> {
  readonly said: Answers<Answer> = new Map();
  /** Resolves with the time at which the results stand for all events. */
  readonly complete: Promise<number>;
  records = 0;
  #counted = 0;
  #tell: (time_ms: number) => void = () => {};
  readonly #load: Load<Answer>;
  readonly #watch: TopicWatch;

  constructor(brokers: string, topic: string, load: Load<Answer>) {
    this.#load = load;
    this.complete = new Promise((resolve) => {
      this.#tell = resolve;
    });
    this.#watch = new TopicWatch(brokers, topic, load.partitions, ({ value }) => this.#take(String(value)));
  }

  /** Events that the results stand for so far. */
  get counted(): number {
    return this.#counted;
  }

  #take(json: string): void {
    this.records += 1;
    const { key, answer } = this.#load.job.parse(json);
    if (windowStartOf(key) >= this.#load.end_ms) return;
    this.#counted += answer.count - (this.said.get(key)?.count ?? 0);
    this.said.set(key, answer);
    if (this.#counted === this.#load.counted) this.#tell(performance.now());
  }

  stop(): Promise<void> {
    return this.#watch.stop();
  }
}
