/**
 * Coordinates the transactions of all producers. Since records, offsets and the states of transactions lie in one
 * database, ending a transaction is one commit of it: there is no state between "ongoing" and "ended", and nothing to
 * complete after a crash. Source: KIP-98, KIP-360 (epochs), org.apache.kafka.coordinator.transaction of Kafka 4.1.
 */
import { encodeMarker } from '../../wire/transaction_marker.ts';
import { KAFKA_ERROR } from '../error_codes.ts';
import type { CommittedOffset, Offsets } from '../groups/offsets.ts';
import type { Database } from '../log/database.ts';
import type { PartitionLog } from '../log/partition_log.ts';
import type { ProducerIds } from '../log/producer_ids.ts';
import type { Partition, Topics } from '../log/topics.ts';
import { isEpochExhausted, isTimedOut, NO_EPOCH, newTransaction, type Transaction } from './transaction.ts';
import { Transactions } from './transactions.ts';

/** As a producer names itself in each request. */
export interface ProducerIdentity {
  transactional_id: string;
  producer_id: number;
  producer_epoch: number;
}

export interface InitResult {
  error_code: number;
  producer_id: number;
  producer_epoch: number;
}

export interface CoordinatorParts {
  db: Database;
  topics: Topics;
  log: PartitionLog;
  offsets: Offsets;
  producer_ids: ProducerIds;
  max_timeout_ms: number;
}

/** Methods return Kafka's error codes. */
export class TransactionCoordinator {
  readonly #parts: CoordinatorParts;
  readonly #transactions: Transactions;

  constructor(parts: CoordinatorParts) {
    this.#parts = parts;
    this.#transactions = new Transactions(parts.db, parts.topics);
  }

  /**
   * Gives the id to a producer, whose epoch shuts out all earlier ones; what they left open is aborted. `known` is what
   * a producer that had the id before says it is (KIP-360), with producer id -1 if it says nothing.
   */
  async init(
    transactional_id: string,
    timeout_ms: number,
    known: { producer_id: number; producer_epoch: number },
  ): Promise<InitResult> {
    const refused = (error_code: number) => ({ error_code, producer_id: -1, producer_epoch: -1 });
    if (transactional_id === '') return refused(KAFKA_ERROR.INVALID_REQUEST);
    if (timeout_ms <= 0 || timeout_ms > this.#parts.max_timeout_ms) {
      return refused(KAFKA_ERROR.INVALID_TRANSACTION_TIMEOUT);
    }
    return this.#parts.db.write(() => {
      const found = this.#transactions.get(transactional_id);
      const transaction = found ?? newTransaction(transactional_id, this.#parts.producer_ids.take());
      if (!takesOver(transaction, known)) return refused(KAFKA_ERROR.PRODUCER_FENCED);
      if (transaction.state === 'ongoing') this.#abortAndFence(transaction);
      this.#nextEpoch(transaction, known.producer_epoch);
      transaction.timeout_ms = timeout_ms;
      transaction.state = 'empty';
      this.#transactions.save(transaction);
      const { producer_id, producer_epoch } = transaction;
      return { error_code: KAFKA_ERROR.NONE, producer_id, producer_epoch };
    });
  }

  /** Begins the transaction if there is none; it may write to these partitions from now on. */
  async addPartitions(producer: ProducerIdentity, partitions: readonly Partition[]): Promise<number> {
    return this.#extend(producer, (transaction) => {
      for (const partition of partitions) transaction.partitions.add(partition);
    });
  }

  /** Begins the transaction if there is none; it may commit offsets of this group from now on. */
  async addGroup(producer: ProducerIdentity, group_id: string): Promise<number> {
    return this.#extend(producer, (transaction) => transaction.groups.add(group_id));
  }

  /** Whether a batch of this producer may be written here: 0 or an error code. */
  writeProblem(producer: ProducerIdentity, partition: Partition): number {
    const problem = this.#problem(producer);
    if (problem !== KAFKA_ERROR.NONE) return problem;
    const { state, partitions } = this.#transactions.get(producer.transactional_id)!;
    return state === 'ongoing' && partitions.has(partition)
      ? KAFKA_ERROR.NONE
      : KAFKA_ERROR.INVALID_TXN_STATE;
  }

  /** Whether offsets of this group may be committed in the transaction: 0 or an error code. */
  offsetsProblem(producer: ProducerIdentity, group_id: string): number {
    const problem = this.#problem(producer);
    if (problem !== KAFKA_ERROR.NONE) return problem;
    const { state, groups } = this.#transactions.get(producer.transactional_id)!;
    return state === 'ongoing' && groups.has(group_id) ? KAFKA_ERROR.NONE : KAFKA_ERROR.INVALID_TXN_STATE;
  }

  /** Holds offsets back until the transaction ends; `offsetsProblem` must have found none. */
  async holdOffsets(
    producer: ProducerIdentity,
    group_id: string,
    offsets: readonly CommittedOffset[],
  ): Promise<void> {
    await this.#parts.offsets.hold(producer.producer_id, group_id, offsets);
  }

  async end(producer: ProducerIdentity, is_commit: boolean): Promise<number> {
    const problem = this.#problem(producer);
    if (problem !== KAFKA_ERROR.NONE) return problem;
    const transaction = this.#transactions.get(producer.transactional_id)!;
    if (transaction.state !== 'ongoing') {
      await this.#parts.db.settled(); // a repeated request must not be answered before the first is committed
      const is_repeated = transaction.state === (is_commit ? 'committed' : 'aborted');
      return is_repeated ? KAFKA_ERROR.NONE : KAFKA_ERROR.INVALID_TXN_STATE;
    }
    return this.#parts.db.write(() => {
      this.#finish(transaction, is_commit);
      return KAFKA_ERROR.NONE;
    });
  }

  /** Aborts what has been open for too long; its producers are shut out. */
  async abortTimedOut(now_ms: number): Promise<void> {
    const late = this.#transactions.all().filter((transaction) => isTimedOut(transaction, now_ms));
    if (late.length === 0) return;
    await this.#parts.db.write(() => {
      for (const transaction of late) this.#abortAndFence(transaction);
    });
  }

  /** Forgets ids that were not used since `before_ms`. */
  async expire(before_ms: number): Promise<void> {
    await this.#parts.db.write(() => this.#transactions.expire(before_ms));
  }

  #problem({ transactional_id, producer_id, producer_epoch }: ProducerIdentity): number {
    if (transactional_id === '') return KAFKA_ERROR.INVALID_REQUEST;
    const transaction = this.#transactions.get(transactional_id);
    if (transaction?.producer_id !== producer_id) return KAFKA_ERROR.INVALID_PRODUCER_ID_MAPPING;
    return transaction.producer_epoch === producer_epoch ? KAFKA_ERROR.NONE : KAFKA_ERROR.PRODUCER_FENCED;
  }

  async #extend(producer: ProducerIdentity, change: (transaction: Transaction) => void): Promise<number> {
    const problem = this.#problem(producer);
    if (problem !== KAFKA_ERROR.NONE) return problem;
    return this.#parts.db.write(() => {
      const transaction = this.#transactions.get(producer.transactional_id)!;
      if (transaction.state !== 'ongoing') transaction.started_ms = Date.now();
      transaction.state = 'ongoing';
      change(transaction);
      this.#transactions.save(transaction);
      return KAFKA_ERROR.NONE;
    });
  }

  /** With a new epoch in the markers, so that the log of each partition refuses the producer as well. */
  #abortAndFence(transaction: Transaction): void {
    transaction.producer_epoch++;
    transaction.last_epoch = NO_EPOCH;
    this.#finish(transaction, false);
  }

  #nextEpoch(transaction: Transaction, known_epoch: number): void {
    if (known_epoch !== NO_EPOCH && known_epoch === transaction.last_epoch) return; // asked for before
    if (isEpochExhausted(transaction)) {
      transaction.producer_id = this.#parts.producer_ids.take();
      transaction.producer_epoch = NO_EPOCH;
    }
    transaction.last_epoch = known_epoch === NO_EPOCH ? NO_EPOCH : transaction.producer_epoch;
    transaction.producer_epoch++;
  }

  #finish(transaction: Transaction, is_commit: boolean): void {
    const { log, offsets, topics } = this.#parts;
    const { producer_id, producer_epoch } = transaction;
    for (const partition of transaction.partitions) {
      if (topics.byId(partition.partition_id) === undefined) continue; // deleted meanwhile
      const marker = encodeMarker({ producer_id, producer_epoch, is_commit, timestamp_ms: Date.now() });
      log.appendMarker(partition, marker, is_commit);
    }
    if (transaction.groups.size > 0) offsets.decide(producer_id, is_commit);
    transaction.state = is_commit ? 'committed' : 'aborted';
    transaction.partitions.clear();
    transaction.groups.clear();
    this.#transactions.save(transaction);
  }
}

/** A producer that says who it is must be the present one, or the one before that repeats its request. */
function takesOver(
  { producer_id, producer_epoch, last_epoch, state }: Transaction,
  known: { producer_id: number; producer_epoch: number },
): boolean {
  if (known.producer_epoch === NO_EPOCH || producer_epoch === NO_EPOCH) return true;
  if (known.producer_id !== producer_id) return false;
  if (known.producer_epoch === producer_epoch) return true;
  return known.producer_epoch === last_epoch && state !== 'ongoing';
}
