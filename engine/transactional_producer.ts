/**
 * One transactional id of Kafka: initialised once, then one transaction after the other (KIP-98).
 *
 * The partitions and the group are announced in one go; records and offsets are written while the other is under way;
 * the end is asked for when all of it is acknowledged. After any failure it is of no further use: what it had open is
 * aborted by whoever initialises the id next.
 */
import {
  ADD_OFFSETS_TO_TXN,
  ADD_PARTITIONS_TO_TXN,
  END_TXN,
  INIT_PRODUCER_ID,
  TXN_OFFSET_COMMIT,
} from '../wire/transactions.ts';
import { type ApiSchema, encoded, exchange } from './broker_exchange.ts';
import type { OutputRecord } from './effects.ts';
import type { Cluster, Coordinator } from './kafka.ts';
import { failIf, failIfAny, kafkaErrorTypes } from './kafka_errors.ts';
import { type Lane, Outbox } from './outbox.ts';
import type { PackedLane } from './packed_records.ts';
import { all, type DeadLetter, RecordProducer, type Writer } from './record_producer.ts';

export interface TransactionContents {
  records: Iterable<OutputRecord>;
  packed?: PackedLane | undefined;
  /** Where the group goes on. */
  offsets: readonly { topic: string; partition: number; offset: number }[];
}

export interface ProducerSettings {
  transactional_id: string;
  /** Whose offsets are committed. */
  group_id: string;
  /** How long a transaction may stay open before Kafka aborts it. */
  timeout_ms: number;
}

/** Every broker since Kafka 2.0 speaks it; newer ones differ in how they name a fenced producer. */
const VERSION = 1;
const COORDINATOR = { group: 0, transaction: 1 };
/** Kafka clears up after a transaction for a moment in which it refuses the next. */
const BUSY = new Set(['CONCURRENT_TRANSACTIONS', 'COORDINATOR_LOAD_IN_PROGRESS']);
/** The coordinator may just be starting, or have moved. */
const OPENING = new Set([...BUSY, 'COORDINATOR_NOT_AVAILABLE', 'NOT_COORDINATOR']);
const RETRY = { most: 200, pause_ms: 10 };
const SEQUENCE_MODULUS = 2 ** 31;

export class TransactionalProducer implements Writer {
  readonly #cluster: Cluster;
  readonly #settings: ProducerSettings;
  readonly #records: RecordProducer;
  readonly #sequences = new Map<string, number>();
  #coordinator!: Coordinator;
  #group_coordinator: Coordinator | undefined;
  /** Partitions of the open transaction. */
  #announced = new Set<string>();
  producer_id = -1;
  producer_epoch = -1;

  /** The cluster is its own, and is disconnected with it. */
  constructor(cluster: Cluster, settings: ProducerSettings, dead_letter: DeadLetter) {
    this.#cluster = cluster;
    this.#settings = settings;
    this.#records = new RecordProducer(cluster, dead_letter);
  }

  get transactional_id(): string {
    return this.#settings.transactional_id;
  }

  /** Fences whoever had the id before, and aborts what they left open. */
  async open(): Promise<void> {
    await this.#cluster.connect();
    const answer = await whilePassing(OPENING, () => this.#initialise());
    this.producer_id = answer.producer_id;
    this.producer_epoch = answer.producer_epoch;
  }

  async #initialise() {
    const { transactional_id, timeout_ms: transaction_timeout_ms } = this.#settings;
    this.#coordinator = await this.#cluster.findGroupCoordinator({
      groupId: transactional_id,
      coordinatorType: COORDINATOR.transaction,
    });
    const nobody_yet = { producer_id: -1, producer_epoch: -1 };
    const request = { transactional_id, transaction_timeout_ms, ...nobody_yet };
    const answer = await this.#ask(INIT_PRODUCER_ID, VERSION, request);
    failIf(answer.error_code, this.#about);
    return answer;
  }

  /** Resolves once it is committed. Rejects with the outcome unknown. */
  async transact({ records, packed, offsets }: TransactionContents): Promise<void> {
    this.#announced = new Set();
    const outbox = new Outbox(records, packed);
    const is_empty = outbox.waiting().length === 0 && offsets.length === 0;
    if (is_empty) return;
    await all([this.#records.flush(outbox, this), this.#writeOffsets(offsets)]);
    const answer = await this.#ask(END_TXN, VERSION, { ...this.#identity, is_commit: true });
    failIf(answer.error_code, this.#about);
  }

  async close(): Promise<void> {
    await this.#cluster.disconnect();
  }

  sequenceOf({ topic, partition }: Lane): number {
    return this.#sequences.get(`${topic}/${partition}`) ?? 0;
  }

  onWritten(lane: Lane, records: number): void {
    const next = (this.sequenceOf(lane) + records) % SEQUENCE_MODULUS;
    this.#sequences.set(`${lane.topic}/${lane.partition}`, next);
  }

  async announce(lanes: readonly Lane[]): Promise<void> {
    const added = lanes.filter(({ topic, partition }) => !this.#announced.has(`${topic}/${partition}`));
    if (added.length === 0) return;
    const topics = [...Map.groupBy(added, ({ topic }) => topic)].map(([name, own]) => ({
      name,
      partitions: own.map(({ partition }) => partition),
    }));
    await whilePassing(BUSY, async () => {
      const request = { ...this.#identity, topics };
      const answer = await this.#ask(ADD_PARTITIONS_TO_TXN, VERSION, request);
      failIfAny(answer.topics);
    });
    for (const { topic, partition } of added) this.#announced.add(`${topic}/${partition}`);
  }

  async #writeOffsets(offsets: TransactionContents['offsets']): Promise<void> {
    if (offsets.length === 0) return;
    const { group_id } = this.#settings;
    await whilePassing(BUSY, async () => {
      const request = { ...this.#identity, group_id };
      const answer = await this.#ask(ADD_OFFSETS_TO_TXN, VERSION, request);
      failIf(answer.error_code, this.#about);
    });
    this.#group_coordinator ??= await this.#cluster.findGroupCoordinator({ groupId: group_id });
    const request = { ...this.#identity, group_id, ...NOBODY, topics: byTopic(offsets) };
    const message = encoded(TXN_OFFSET_COMMIT, VERSION, request);
    failIfAny((await exchange(this.#cluster, this.#group_coordinator, message)).topics);
  }

  get #identity() {
    const { transactional_id, producer_id, producer_epoch } = this;
    return { transactional_id, producer_id, producer_epoch };
  }

  get #about(): string {
    return `transactional id ${this.transactional_id}`;
  }

  #ask<Request, Response extends object>(
    api: ApiSchema<Request, Response>,
    version: number,
    request: Request,
  ): Promise<Response> {
    return exchange(this.#cluster, this.#coordinator, encoded(api, version, request));
  }
}

/** Before KIP-447 nobody says which member of the group commits; the transactional id fences. */
const NOBODY = { generation_id: -1, member_id: '', group_instance_id: null };

function byTopic(offsets: TransactionContents['offsets']) {
  return [...Map.groupBy(offsets, ({ topic }) => topic)].map(([name, own]) => ({
    name,
    partitions: own.map(({ partition, offset }) => ({
      partition,
      committed_offset: offset,
      leader_epoch: -1,
      metadata: '',
    })),
  }));
}

async function whilePassing<Answer>(
  passing: ReadonlySet<string>,
  attempt: () => Promise<Answer>,
): Promise<Answer> {
  for (let retries = 0; ; retries++) {
    try {
      return await attempt();
    } catch (error) {
      const passes = kafkaErrorTypes(error).some((type) => passing.has(type));
      if (!passes || retries === RETRY.most) throw error;
      await new Promise((resolve) => setTimeout(resolve, RETRY.pause_ms));
    }
  }
}
