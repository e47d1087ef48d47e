/** What no real broker can be made to do. Everything else: test/engine/transactional_producer.test.ts. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PRODUCE } from '../wire/produce.ts';
import { readBatchHeader } from '../wire/record_batch.ts';
import { recordsOf } from '../wire/record_cursor.ts';
import {
  ADD_OFFSETS_TO_TXN,
  ADD_PARTITIONS_TO_TXN,
  END_TXN,
  INIT_PRODUCER_ID,
  TXN_OFFSET_COMMIT,
} from '../wire/transactions.ts';
import type { OutputRecord } from './effects.ts';
import { FakeCluster } from './fake_cluster.ts';
import { Outbox } from './outbox.ts';
import { RecordProducer } from './record_producer.ts';
import { TransactionalProducer } from './transactional_producer.ts';

const CODE = { message_too_large: 10, not_leader: 6, concurrent_transactions: 51 };

/** Keeps what is written, a request at a time; answers what the test wants it to. */
class FakeBroker {
  readonly cluster = new FakeCluster();
  /** `topic/partition:value value` of each batch, in the order of arrival, refused or not. */
  readonly requests: string[][] = [];
  readonly sequences: number[] = [];
  readonly events: string[] = [];
  /** The error code for a batch. */
  refuse: (topic: string, values: string[]) => number = () => 0;
  /** How many of the next requests of a transaction find the coordinator busy. */
  busy = 0;

  constructor() {
    const none = { base_offset: 0, log_append_time_ms: -1, log_start_offset: 0 };
    this.cluster.answer(PRODUCE, ({ topics }) => {
      const batches: string[] = [];
      this.requests.push(batches);
      this.events.push('written');
      return {
        throttle_ms: 0,
        topics: topics.map(({ name, partitions }) => ({
          name,
          partitions: partitions.map(({ partition, records }) => {
            const header = readBatchHeader(records!, 0)!;
            const values = recordsOf(records!, header).map(({ value }) => String(value));
            batches.push(`${name}/${partition}:${values.join(' ')}`);
            this.sequences.push(header.base_sequence);
            const error_code = this.refuse(name, values);
            return { partition, error_code, ...none, record_errors: [], error_message: null };
          }),
        })),
      };
    });
    this.#answerTransactions();
  }

  #answerTransactions(): void {
    const code = () => (this.busy-- > 0 ? CODE.concurrent_transactions : 0);
    const done = (what: string) => {
      const answer = { throttle_ms: 0, error_code: code() };
      if (answer.error_code === 0) this.events.push(what);
      return answer;
    };
    const forAll = (
      what: string,
      topics: { name: string; partitions: (number | { partition: number })[] }[],
    ) => {
      const { throttle_ms, error_code } = done(what);
      const partitionOf = (one: number | { partition: number }) =>
        typeof one === 'number' ? one : one.partition;
      return {
        throttle_ms,
        topics: topics.map(({ name, partitions }) => ({
          name,
          partitions: partitions.map((one) => ({ partition: partitionOf(one), error_code })),
        })),
      };
    };
    const { cluster } = this;
    cluster.answer(INIT_PRODUCER_ID, () => ({ ...done('initialised'), producer_id: 7, producer_epoch: 3 }));
    cluster.answer(ADD_PARTITIONS_TO_TXN, ({ topics }) => forAll('partitions announced', topics));
    cluster.answer(ADD_OFFSETS_TO_TXN, () => done('group announced'));
    cluster.answer(TXN_OFFSET_COMMIT, ({ topics }) => forAll('offsets written', topics));
    cluster.answer(END_TXN, ({ is_commit }) => done(is_commit ? 'committed' : 'aborted'));
  }
}

function records(topic: string, partition: number, ...values: string[]): OutputRecord[] {
  return values.map((value) => ({ topic, partition, key: null, value, headers: {} }));
}

const toLetters = (record: OutputRecord): OutputRecord => ({ ...record, topic: 'letters' });

test('one request holds a batch of each partition; what does not fit into a batch goes in the next', async () => {
  const broker = new FakeBroker();
  const large = ['a', 'b', 'c'].map((name) => name.repeat(300_000));
  const outbox = new Outbox([...records('t', 0, ...large), ...records('t', 1, 'x'), ...records('u', 0, 'y')]);
  await new RecordProducer(broker.cluster, toLetters).flush(outbox);
  assert.deepEqual(broker.requests, [[`t/0:${large[0]} ${large[1]}`, 't/1:x', 'u/0:y'], [`t/0:${large[2]}`]]);
});

test('a partition that failed is sent again, with new metadata; one that was acknowledged is not', async () => {
  const broker = new FakeBroker();
  const producer = new RecordProducer(broker.cluster, toLetters);
  const outbox = new Outbox([...records('t', 0, 'a'), ...records('t', 1, 'b')]);
  broker.refuse = (_, [value]) => (value === 'b' ? CODE.not_leader : 0);
  await assert.rejects(producer.flush(outbox), { code: 'E_KAFKA_NOT_LEADER_OR_FOLLOWER' });
  broker.refuse = () => 0;
  await producer.flush(outbox);
  assert.deepEqual(broker.requests, [['t/0:a', 't/1:b'], ['t/1:b']]);
  assert.equal(broker.cluster.metadata_asked, 1);
});

test('the record that is refused is found by halves, and what comes after it keeps its order', async () => {
  const broker = new FakeBroker();
  broker.refuse = (_, values) => (values.includes('bad') ? CODE.message_too_large : 0);
  const outbox = new Outbox(records('t', 0, 'a', 'b', 'c', 'bad', 'd', 'e'));
  const letter = (record: OutputRecord) => ({ ...record, topic: 'letters', value: 'why' });
  await new RecordProducer(broker.cluster, letter).flush(outbox);
  const taken = broker.requests.flat().filter((batch) => !batch.includes('bad'));
  assert.deepEqual(
    taken.filter((batch) => batch.startsWith('t')).flatMap((batch) => batch.slice(4).split(' ')),
    ['a', 'b', 'c', 'd', 'e'],
  );
  assert.deepEqual(
    taken.filter((batch) => batch.startsWith('letters')),
    ['letters/0:why'],
  );
});

test('what even the dead-letter topic does not take is told, not replaced again and again', async () => {
  const broker = new FakeBroker();
  broker.refuse = () => CODE.message_too_large;
  const outbox = new Outbox(records('t', 0, 'bad'));
  const producer = new RecordProducer(broker.cluster, toLetters);
  await assert.rejects(producer.flush(outbox), {
    code: 'E_DEAD_LETTER_REFUSED',
    message: /dead-letter topic letters does not take 3 bytes/,
  });
  assert.deepEqual(broker.requests, [['t/0:bad'], ['letters/0:bad']]);
});

function transactional(broker: FakeBroker): TransactionalProducer {
  const settings = { transactional_id: 'id', group_id: 'g', timeout_ms: 15_000 };
  return new TransactionalProducer(broker.cluster, settings, toLetters);
}

const offsets = [{ topic: 'in', partition: 0, offset: 5 }];

test('a transaction ends when all of it is acknowledged, and while Kafka clears up it waits in place', async () => {
  const broker = new FakeBroker();
  const producer = transactional(broker);
  broker.busy = 2;
  await producer.open();
  broker.busy = 3;
  await producer.transact({ records: records('t', 0, 'a'), offsets });
  assert.equal(broker.events[0], 'initialised');
  assert.equal(broker.events.at(-1), 'committed');
  assert.deepEqual(broker.events.slice(1, -1).sort(), [
    'group announced',
    'offsets written',
    'partitions announced',
    'written',
  ]);
});

test('where the records cannot be written, nothing is committed', async () => {
  const broker = new FakeBroker();
  const producer = transactional(broker);
  await producer.open();
  broker.refuse = () => CODE.not_leader;
  await assert.rejects(producer.transact({ records: records('t', 0, 'a'), offsets }), {
    code: 'E_KAFKA_NOT_LEADER_OR_FOLLOWER',
  });
  assert.ok(!broker.events.includes('committed'));
});

test('a transaction that holds nothing asks nothing', async () => {
  const broker = new FakeBroker();
  await transactional(broker).transact({ records: [], offsets: [] });
  assert.deepEqual(broker.events, []);
});

test('sequence numbers go on from commit to commit, per partition, and begin again after the last', async () => {
  const broker = new FakeBroker();
  const producer = transactional(broker);
  await producer.open();
  for (const values of [['a', 'b'], ['c'], ['d', 'e', 'f']])
    await producer.transact({ records: records('t', 0, ...values), offsets: [] });
  await producer.transact({ records: records('t', 1, 'g'), offsets: [] });
  assert.deepEqual(broker.sequences, [0, 2, 3, 0]);

  const [lane] = new Outbox(records('t', 0, 'h')).waiting();
  producer.onWritten(lane!, 2 ** 31 - 1 - producer.sequenceOf(lane!));
  producer.onWritten(lane!, 3);
  assert.equal(producer.sequenceOf(lane!), 2);
});
