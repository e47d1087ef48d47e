/**
 * What each partition knows of the producers that write to it: the sequence numbers of their last batches, so that a
 * batch sent twice is stored once (KIP-98), and where their open transactions begin, from which the last stable
 * offset follows. Kept in memory and in the database, changed together with the batches.
 * Rules as in org.apache.kafka.storage.internals.log.ProducerAppendInfo of Kafka 4.1.
 */
import type { StatementSync } from 'node:sqlite';
import type { BatchHeader } from '../../wire/record_batch.ts';
import { KAFKA_ERROR } from '../error_codes.ts';
import type { Database } from './database.ts';
import type { Partition, Topics } from './topics.ts';

/** Clients have at most so many requests under way, so no older batch can be a repetition. */
const REMEMBERED_BATCHES = 5;
const SEQUENCE_MODULUS = 2 ** 31;

/** First and last sequence number of a batch, its base offset and time. */
type StoredBatch = [first_sequence: number, last_sequence: number, base_offset: number, timestamp_ms: number];

export interface ProducerState {
  producer_epoch: number;
  /** The first offset of its open transaction in this partition. */
  open_from: number | null;
  updated_ms: number;
  /** The last ones of this epoch; none after a marker has brought a new epoch. */
  batches: StoredBatch[];
}

export type SequenceCheck =
  | { kind: 'next' }
  | { kind: 'duplicate'; base_offset: number; timestamp_ms: number }
  | { kind: 'refused'; error_code: number; message: string };

const NEXT: SequenceCheck = { kind: 'next' };

export class ProducerStates {
  readonly #db: Database;
  readonly #topics: Topics;
  readonly #rows: StatementSync;
  readonly #upsert: StatementSync;
  readonly #abort: StatementSync;
  readonly #expire: StatementSync;

  constructor(db: Database, topics: Topics) {
    this.#db = db;
    this.#topics = topics;
    this.#rows = db.prepare('SELECT * FROM producers');
    this.#upsert = db.prepare('INSERT OR REPLACE INTO producers VALUES (?, ?, ?, ?, ?, ?)');
    this.#abort = db.prepare('INSERT INTO aborted_transactions VALUES (?, ?, ?, ?)');
    this.#expire = db.prepare('DELETE FROM producers WHERE updated_ms < ? AND open_from IS NULL');
    this.#load();
    db.afterRollback(() => this.#load());
  }

  /** Whether a batch of an idempotent producer is the next one of this partition. */
  check(partition: Partition, header: BatchHeader): SequenceCheck {
    const state = partition.producers.get(header.producer_id);
    if (state === undefined) return NEXT; // forgotten, or new: any sequence number will do
    if (header.producer_epoch < state.producer_epoch) {
      const message = `epoch ${header.producer_epoch} of producer ${header.producer_id} is over: it is ${state.producer_epoch}`;
      return { kind: 'refused', error_code: KAFKA_ERROR.INVALID_PRODUCER_EPOCH, message };
    }
    if (header.producer_epoch > state.producer_epoch) {
      return header.base_sequence === 0 ? NEXT : outOfOrder(header, 'the first of its epoch must be 0');
    }
    const repeated = findRepeated(state, header);
    if (repeated) return { kind: 'duplicate', base_offset: repeated[2], timestamp_ms: repeated[3] };
    if (state.open_from !== null && !header.is_transactional) {
      const message = 'this producer has a transaction open here';
      return { kind: 'refused', error_code: KAFKA_ERROR.INVALID_TXN_STATE, message };
    }
    const last = state.batches.at(-1);
    const expected = last === undefined ? 0 : (last[1] + 1) % SEQUENCE_MODULUS;
    return header.base_sequence === expected ? NEXT : outOfOrder(header, `${expected} is the next`);
  }

  /** Takes note of a batch of an idempotent producer that is being stored, within the same transaction. */
  record(partition: Partition, header: BatchHeader, base_offset: number): void {
    const known = partition.producers.get(header.producer_id);
    const state = known ?? newState(header.producer_epoch);
    if (header.producer_epoch !== state.producer_epoch) state.batches = [];
    state.producer_epoch = header.producer_epoch;
    const last_sequence = (header.base_sequence + header.record_count - 1) % SEQUENCE_MODULUS;
    if (state.batches.length === REMEMBERED_BATCHES) state.batches.shift();
    state.batches.push([header.base_sequence, last_sequence, base_offset, header.max_timestamp_ms]);
    if (header.is_transactional && state.open_from === null) {
      state.open_from = base_offset;
      partition.open_transactions.set(header.producer_id, base_offset);
    }
    this.#save(partition, header.producer_id, state);
  }

  /** Takes note of the marker at `offset` that ends a producer's transaction. */
  end(
    partition: Partition,
    producer_id: number,
    producer_epoch: number,
    offset: number,
    is_commit: boolean,
  ): void {
    const state = partition.producers.get(producer_id) ?? newState(producer_epoch);
    if (state.open_from !== null && !is_commit) {
      this.#abort.run(partition.partition_id, offset, producer_id, state.open_from);
    }
    if (producer_epoch !== state.producer_epoch) state.batches = [];
    state.producer_epoch = producer_epoch;
    state.open_from = null;
    partition.open_transactions.delete(producer_id);
    this.#save(partition, producer_id, state);
  }

  /** Forgets producers that have written nothing since `before_ms` and have no transaction open. */
  async expire(before_ms: number): Promise<void> {
    await this.#db.write(() => this.#forget(before_ms));
  }

  #forget(before_ms: number): void {
    this.#expire.run(before_ms);
    for (const { partitions } of this.#topics.all()) {
      for (const { producers } of partitions) {
        for (const [producer_id, { updated_ms, open_from }] of producers) {
          if (updated_ms < before_ms && open_from === null) producers.delete(producer_id);
        }
      }
    }
  }

  #save(partition: Partition, producer_id: number, state: ProducerState): void {
    state.updated_ms = Date.now();
    partition.producers.set(producer_id, state);
    const { producer_epoch, open_from, updated_ms, batches } = state;
    const { partition_id } = partition;
    this.#upsert.run(
      partition_id,
      producer_id,
      producer_epoch,
      open_from,
      updated_ms,
      JSON.stringify(batches),
    );
  }

  #load(): void {
    for (const row of this.#rows.iterate()) {
      const partition = this.#topics.byId(row.partition_id as number);
      if (partition === undefined) continue;
      const producer_id = row.producer_id as number;
      const open_from = row.open_from as number | null;
      const producer_epoch = row.producer_epoch as number;
      const batches = JSON.parse(row.batches as string) as StoredBatch[];
      const updated_ms = row.updated_ms as number;
      partition.producers.set(producer_id, { producer_epoch, open_from, updated_ms, batches });
      if (open_from !== null) partition.open_transactions.set(producer_id, open_from);
    }
    for (const { partitions } of this.#topics.all()) {
      for (const partition of partitions) partition.last_stable_offset = stableOffset(partition);
    }
  }
}

/** Below it every transaction is decided: where the oldest open one begins, or the high watermark. */
export function stableOffset({
  open_transactions,
  high_watermark,
  log_start_offset,
}: Pick<Partition, 'open_transactions' | 'high_watermark' | 'log_start_offset'>): number {
  if (open_transactions.size === 0) return high_watermark;
  return Math.max(log_start_offset, Math.min(high_watermark, ...open_transactions.values()));
}

function newState(producer_epoch: number): ProducerState {
  return { producer_epoch, open_from: null, updated_ms: 0, batches: [] };
}

function findRepeated({ batches }: ProducerState, header: BatchHeader): StoredBatch | undefined {
  const last_sequence = (header.base_sequence + header.record_count - 1) % SEQUENCE_MODULUS;
  return batches.find(([first, last]) => first === header.base_sequence && last === last_sequence);
}

function outOfOrder({ producer_id, base_sequence }: BatchHeader, why: string): SequenceCheck {
  const message = `sequence number ${base_sequence} of producer ${producer_id} is out of order: ${why}`;
  return { kind: 'refused', error_code: KAFKA_ERROR.OUT_OF_ORDER_SEQUENCE_NUMBER, message };
}
