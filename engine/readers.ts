/**
 * The readers of a worker. All stages share one, but for those that read a topic which another reads too: a reader gives each
 * partition to one reading only, and who is slow at it must hold up nobody else.
 */
import type { Logger } from 'pino';
import type { ErrataError } from '../messages/errata_error.ts';
import { type Cluster, connectKafka, createCluster, type KafkaSettings } from './kafka.ts';
import { LogReader, readerOptions } from './log_reader.ts';
import type { StagePlan } from './plan.ts';

/** The reader itself asks again, and is to end at once when told. */
const RETRIES = 1;
const SHARED = '';

export class Readers {
  readonly #settings: KafkaSettings;
  readonly #log: Logger;
  readonly #onRefused: (error: ErrataError) => void;
  readonly #open = new Map<string, { reader: LogReader; cluster: Cluster }>();

  constructor(settings: KafkaSettings, log: Logger, onRefused: (error: ErrataError) => void) {
    this.#settings = settings;
    this.#log = log;
    this.#onRefused = onRefused;
  }

  of({ name, inputs }: StagePlan): LogReader {
    const id = inputs.some(({ offsets_topic }) => offsets_topic !== undefined) ? name : SHARED;
    const known = this.#open.get(id);
    if (known) return known.reader;
    const cluster = createCluster(connectKafka(this.#settings, this.#log, RETRIES), this.#settings);
    const reader = new LogReader(cluster, readerOptions(this.#settings), this.#log, this.#onRefused);
    this.#open.set(id, { reader, cluster });
    return reader;
  }

  async stop(): Promise<void> {
    const all = [...this.#open.values()];
    await Promise.all(all.map(({ reader }) => reader.stop()));
    await Promise.allSettled(all.map(({ cluster }) => cluster.disconnect()));
  }
}
