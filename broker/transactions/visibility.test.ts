/** What readers see of interleaved transactions, held against a model that knows how each of them ends. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { batchesIn, encodeBatch, readBatchHeader } from '../../wire/record_batch.ts';
import { controlType, recordsOf } from '../../wire/record_cursor.ts';
import { Offsets } from '../groups/offsets.ts';
import { Cleaner } from '../log/cleaner.ts';
import { Database } from '../log/database.ts';
import { PartitionLog } from '../log/partition_log.ts';
import { ProducerIds } from '../log/producer_ids.ts';
import { ProducerStates } from '../log/producer_states.ts';
import { type Partition, Topics } from '../log/topics.ts';
import { type ProducerIdentity, TransactionCoordinator } from './transaction_coordinator.ts';

const PRODUCERS = 3;
const KEYS = 4;
const NO_ONE = { producer_id: -1, producer_epoch: -1 };

type Step =
  | { kind: 'write'; producer: number; records: number; key: number }
  | { kind: 'end'; producer: number; is_commit: boolean }
  | { kind: 'plain'; records: number; key: number }
  | { kind: 'reopen' }
  | { kind: 'fence'; producer: number };

const producer = fc.nat(PRODUCERS - 1);
const records = fc.integer({ min: 1, max: 3 });
const key = fc.nat(KEYS - 1);
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('write'), producer, records, key }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('end'), producer, is_commit: fc.boolean() }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('plain'), records, key }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('reopen') }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('fence'), producer }) },
);

/** A record as the model knows it; `fate` is that of its transaction. */
interface Written {
  offset: number;
  key: string;
  value: string;
  fate: 'open' | 'committed' | 'aborted';
}

/** The broker's parts without sockets, and the model beside them. */
class World {
  readonly #folder = mkdtempSync(join(tmpdir(), 'errata-visibility-'));
  #db!: Database;
  topics!: Topics;
  log!: PartitionLog;
  #coordinator!: TransactionCoordinator;
  cleaner!: Cleaner;
  readonly #identities: ProducerIdentity[] = [];
  readonly #sequences = new Map<number, number>();
  readonly #open = new Map<number, Written[]>();
  readonly written: Written[] = [];
  #next_offset = 0;

  async start(configs: Record<string, string>): Promise<void> {
    this.open();
    await this.topics.create('t', 1, configs);
    for (let n = 0; n < PRODUCERS; n++) await this.#init(n);
  }

  open(): void {
    this.#db = new Database(this.#folder, 'normal');
    this.topics = new Topics(this.#db);
    const producers = new ProducerStates(this.#db, this.topics);
    this.log = new PartitionLog(this.#db, producers);
    this.#coordinator = new TransactionCoordinator({
      db: this.#db,
      topics: this.topics,
      log: this.log,
      offsets: new Offsets(this.#db),
      producer_ids: new ProducerIds(this.#db),
      max_timeout_ms: 900_000,
    });
    this.cleaner = new Cleaner(this.#db, this.topics);
  }

  close(): void {
    this.#db.close();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  get partition(): Partition {
    return this.topics.partition('t', 0)!;
  }

  async take(one: Step): Promise<void> {
    if (one.kind === 'plain') await this.#write(undefined, one.records, one.key);
    else if (one.kind === 'write') await this.#write(one.producer, one.records, one.key);
    else if (one.kind === 'end') await this.#end(one.producer, one.is_commit);
    else if (one.kind === 'fence') await this.#init(one.producer);
    else {
      this.#db.close();
      this.open();
    }
  }

  async #init(n: number): Promise<void> {
    const result = await this.#coordinator.init(`id-${n}`, 60_000, NO_ONE);
    assert.equal(result.error_code, 0);
    this.#identities[n] = { transactional_id: `id-${n}`, ...result };
    this.#sequences.set(n, 0);
    this.#decide(n, 'aborted');
  }

  async #write(n: number | undefined, count: number, key_number: number): Promise<void> {
    const name = `k${key_number}`;
    const values = Array.from({ length: count }, (_, index) => `${this.#next_offset + index}`);
    const batch = values.map((value) => ({
      key: Buffer.from(name),
      value: Number(value) % 5 === 4 ? null : Buffer.from(value),
      timestamp_ms: 1,
    }));
    const identity = n === undefined ? {} : await this.#join(n);
    const bytes = encodeBatch(batch, { ...identity, is_transactional: n !== undefined });
    await this.log.append(this.partition, bytes, readBatchHeader(bytes, 0)!);
    if (n !== undefined) this.#sequences.set(n, this.#sequences.get(n)! + count);
    const fate = n === undefined ? 'committed' : 'open';
    const added = batch.map(({ value }, index): Written => {
      return { offset: this.#next_offset + index, key: name, value: String(value), fate };
    });
    this.written.push(...added);
    if (n !== undefined) this.#open.set(n, [...(this.#open.get(n) ?? []), ...added]);
    this.#next_offset += count;
  }

  async #join(n: number) {
    const identity = this.#identities[n]!;
    assert.equal(await this.#coordinator.addPartitions(identity, [this.partition]), 0);
    const { producer_id, producer_epoch } = identity;
    return { producer_id, producer_epoch, base_sequence: this.#sequences.get(n)! };
  }

  async #end(n: number, is_commit: boolean): Promise<void> {
    const was_open = this.#open.has(n);
    const error_code = await this.#coordinator.end(this.#identities[n]!, is_commit);
    if (was_open) assert.equal(error_code, 0);
    this.#decide(n, is_commit ? 'committed' : 'aborted');
  }

  #decide(n: number, fate: 'committed' | 'aborted'): void {
    const open = this.#open.get(n);
    if (open === undefined) return;
    for (const one of open) one.fate = fate;
    this.#open.delete(n);
    this.#next_offset++; // the marker
  }

  get stableOffset(): number {
    return this.written.find(({ fate }) => fate === 'open')?.offset ?? this.#next_offset;
  }

  get endOffset(): number {
    return this.#next_offset;
  }
}

/** Reads as clients do (KIP-98): what is on the aborted list is void from its first offset to the producer's marker. */
function readCommitted({ log, partition }: World, from: number, max_bytes: number) {
  const read: { offset: number; key: string; value: string }[] = [];
  let offset = from;
  for (;;) {
    const bytes = Buffer.concat(log.read(partition, offset, max_bytes, true, partition.last_stable_offset));
    const batches = [...batchesIn(bytes)];
    if (batches.length === 0) return { read, offset };
    const aborted = log.abortedTransactions(partition, offset, batches.at(-1)!.last_offset + 1);
    const is_void = new Set<number>();
    for (const header of batches) {
      while ((aborted[0]?.first_offset ?? Infinity) <= header.last_offset)
        is_void.add(aborted.shift()!.producer_id);
      if (header.is_control && controlType(bytes, header) === 'abort') is_void.delete(header.producer_id);
      const is_data = !header.is_control && !(header.is_transactional && is_void.has(header.producer_id));
      for (const record of is_data ? recordsOf(bytes, header) : []) {
        const { key: bytes_of_key, value } = record;
        if (record.offset >= offset)
          read.push({ offset: record.offset, key: String(bytes_of_key), value: String(value) });
      }
      offset = Math.max(offset, header.last_offset + 1);
    }
  }
}

/** From every offset, with fetches of one batch, of a few and of everything. */
function forEveryReader(world: World, check: (start: number, got: ReturnType<typeof readCommitted>) => void) {
  for (let start = 0; start <= world.endOffset; start++) {
    for (const max_bytes of [1, 250, 1e6]) check(start, readCommitted(world, start, max_bytes));
  }
}

function committed(world: World, from: number) {
  return world.written
    .filter(({ offset, fate }) => fate === 'committed' && offset >= from && offset < world.stableOffset)
    .map(({ offset, key: name, value }) => ({ offset, key: name, value }));
}

async function inWorld(
  configs: Record<string, string>,
  body: (world: World) => Promise<void>,
): Promise<void> {
  const world = new World();
  await world.start(configs);
  try {
    await body(world);
  } finally {
    world.close();
  }
}

test('a read_committed reader gets the committed records in order, wherever it starts', async () => {
  const steps = fc.array(step, { maxLength: 40 });
  await fc.assert(
    fc.asyncProperty(steps, (all) =>
      inWorld({}, async (world) => {
        for (const one of all) {
          await world.take(one);
          const { last_stable_offset, high_watermark } = world.partition;
          assert.deepEqual([last_stable_offset, high_watermark], [world.stableOffset, world.endOffset]);
        }
        forEveryReader(world, (start, { read }) => assert.deepEqual(read, committed(world, start)));
      }),
    ),
    { numRuns: 50 },
  );
});

test('compaction changes nothing of what the keys stand at, and readers come to the end', async () => {
  const part = fc.array(step, { minLength: 1, maxLength: 15 });
  const parts = fc.array(part, { minLength: 2, maxLength: 5 });
  const retention = fc.constantFrom('0', '3600000');
  await fc.assert(
    fc.asyncProperty(parts, retention, (all, delete_retention) =>
      inWorld(compacted(delete_retention), async (world) => {
        for (const steps of all) {
          for (const one of steps) await world.take(one);
          await world.cleaner.round(Date.now());
        }
        forEveryReader(world, (start, { read, offset }) => {
          assert.equal(offset, Math.max(start, world.stableOffset));
          checkCompacted(read, committed(world, start), delete_retention === '0');
        });
        assertKeysOnce(world);
      }),
    ),
    { numRuns: 50 },
  );
});

test('what a producer writes after an aborted transaction is read when the marker of that is compacted away', async () => {
  const plain: Step = { kind: 'plain', records: 1, key: 1 };
  const write: Step = { kind: 'write', producer: 0, records: 1, key: 0 };
  const parts: Step[][] = [
    [write, { kind: 'end', producer: 0, is_commit: false }, plain],
    [plain, plain],
    [write, { kind: 'end', producer: 0, is_commit: true }, plain],
  ];
  await inWorld(compacted('0'), async (world) => {
    for (const steps of parts) {
      for (const one of steps) await world.take(one);
      await world.cleaner.round(Date.now());
    }
    const { read } = readCommitted(world, 0, 1e6);
    assert.deepEqual(
      read.filter(({ key: name }) => name === 'k0'),
      [{ offset: 5, key: 'k0', value: '5' }],
    );
    assert.deepEqual(world.log.abortedTransactions(world.partition, 0, 100), []);
  });
});

function compacted(delete_retention: string) {
  return {
    'cleanup.policy': 'compact',
    'min.cleanable.dirty.ratio': '0',
    'delete.retention.ms': delete_retention,
  };
}

type Records = ReturnType<typeof committed>;

/** What is read was written, in order, and leads to the same last value of each key; null means deleted. */
function checkCompacted(read: Records, all: Records, tombstones_go: boolean): void {
  const by_offset = new Map(all.map((one) => [one.offset, one]));
  for (const one of read) assert.deepEqual(one, by_offset.get(one.offset));
  assert.deepEqual(
    read,
    read.toSorted((a, b) => a.offset - b.offset),
  );
  const lastOf = (some: Records) => new Map(some.map((one) => [one.key, one]));
  const wanted = [...lastOf(all).values()].filter(({ value }) => !tombstones_go || value !== 'null');
  const found = lastOf(read);
  for (const one of wanted) assert.deepEqual(found.get(one.key), one);
}

/** Below the last batch before the last stable offset each key stands once, once nothing more can be cleaned. */
function assertKeysOnce(world: World): void {
  const { read } = readCommitted(world, 0, 1e6);
  const last_batch = world.log.read(world.partition, 0, 1e9, true, world.partition.last_stable_offset).at(-1);
  const end = last_batch === undefined ? 0 : readBatchHeader(last_batch, 0)!.base_offset;
  const keys = read.filter(({ offset }) => offset < end).map((one) => one.key);
  assert.equal(new Set(keys).size, keys.length);
}
