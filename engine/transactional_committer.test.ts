import assert from 'node:assert/strict';
import { test } from 'node:test';
import pino from 'pino';
import type { Commit } from './committer.ts';
import { kafkaError } from './kafka_errors.ts';
import { TransactionalCommitter } from './transactional_committer.ts';
import type { TransactionContents } from './transactional_producer.ts';

const TASK = 'stats/2';

/** Kafka as far as a transaction goes: what is committed, and what fails when. */
class FakeKafka {
  readonly log: string[] = [];
  /** The group's offset of in/2. */
  offset: number | null = 4;
  epoch = 0;
  open_producers = 0;
  /** What the next transactions do, in order. */
  endings: ('commits' | 'commits and breaks' | 'breaks' | 'is fenced')[] = [];

  createProducer = (transactional_id: string) => ({
    open: async () => {
      this.open_producers++;
      this.epoch++;
      this.log.push(`initialised ${transactional_id}`);
    },
    close: async () => {
      this.open_producers--;
    },
    transact: async ({ records, offsets }: TransactionContents) => {
      const ending = this.endings.shift() ?? 'commits';
      if (ending === 'is fenced') throw kafkaError(47, transactional_id);
      if (ending !== 'breaks') {
        const topics = [...records].map(({ topic }) => topic);
        const offset = offsets[0]?.offset;
        this.log.push(`committed ${topics.join('+')}${offset === undefined ? '' : ` up to ${offset}`}`);
        this.offset = offset ?? this.offset;
      }
      if (ending !== 'commits') throw new Error('the connection is cut');
    },
  });

  committedOffsets = async (): Promise<(number | null)[]> => [this.offset];

  committer(): TransactionalCommitter {
    const ports = { createProducer: this.createProducer, committedOffsets: this.committedOffsets };
    return new TransactionalCommitter({ namespace: 'ns', topology: 'top' }, ports, pino({ level: 'silent' }));
  }
}

const commit: Commit = {
  outputs: [{ topic: 'out', partition: 0, key: 'k', value: 'v', headers: {} }],
  changelog: { topic: 'changes', partition: 2, changes: [{ key: 'a/b', value: '1' }] },
  offsets: [{ topic: 'in', partition: 2, offset: 7, previous: 4 }],
};

async function opened(kafka: FakeKafka): Promise<TransactionalCommitter> {
  const committer = kafka.committer();
  await committer.open(TASK);
  return committer;
}

test('outputs, state and offsets are one transaction, of an id that outlives processes', async () => {
  const kafka = new FakeKafka();
  const committer = await opened(kafka);
  await committer.commit(TASK, commit);
  assert.deepEqual(kafka.log, ['initialised ns.top.stats.2', 'committed out+changes up to 7']);
});

test('a commit that broke after it had committed is not done again', async () => {
  const kafka = new FakeKafka();
  const committer = await opened(kafka);
  kafka.endings = ['commits and breaks'];
  await committer.commit(TASK, commit);
  assert.equal(kafka.log.filter((line) => line.startsWith('committed')).length, 1);
  assert.equal(kafka.epoch, 2, 'the producer was initialised anew before the offsets were asked for');
});

test('a commit that broke before it had committed is done again, as often as it takes', async () => {
  const kafka = new FakeKafka();
  const committer = await opened(kafka);
  kafka.endings = ['breaks', 'breaks', 'commits'];
  await committer.commit(TASK, commit);
  assert.equal(kafka.log.at(-1), 'committed out+changes up to 7');
  assert.equal(kafka.log.filter((line) => line.startsWith('committed')).length, 1);
});

test('a group without offsets yet has not committed', async () => {
  const kafka = new FakeKafka();
  kafka.offset = null;
  const committer = await opened(kafka);
  kafka.endings = ['breaks', 'commits'];
  await committer.commit(TASK, {
    ...commit,
    offsets: [{ topic: 'in', partition: 2, offset: 7, previous: 0 }],
  });
  assert.equal(kafka.offset, 7);
});

test('a task whose offsets somebody else moved is fenced, and commits nothing', async () => {
  const kafka = new FakeKafka();
  const committer = await opened(kafka);
  kafka.endings = ['breaks'];
  kafka.offset = 5;
  await assert.rejects(committer.commit(TASK, commit), { code: 'E_TASK_FENCED' });
  assert.equal(kafka.log.filter((line) => line.startsWith('committed')).length, 0);
});

test('a commit without offsets is done again, unless somebody else went on meanwhile', async () => {
  const held = { ...commit, offsets: [], held: [{ topic: 'in', partition: 2, offset: 4 }] };
  const kafka = new FakeKafka();
  const committer = await opened(kafka);
  kafka.endings = ['breaks'];
  await committer.commit(TASK, held);
  assert.deepEqual(kafka.log.slice(-2), ['initialised ns.top.stats.2', 'committed out+changes']);
  kafka.endings = ['breaks'];
  kafka.offset = 9;
  await assert.rejects(committer.commit(TASK, held), { code: 'E_TASK_FENCED' });
});

test('a task whose id somebody else initialised is fenced', async () => {
  const kafka = new FakeKafka();
  const committer = await opened(kafka);
  kafka.endings = ['is fenced'];
  await assert.rejects(committer.commit(TASK, commit), { code: 'E_TASK_FENCED' });
});

test('an abandoned task does not commit, and keeps no connection', async () => {
  const kafka = new FakeKafka();
  const committer = await opened(kafka);
  committer.abandon(TASK);
  assert.equal(kafka.open_producers, 0);
  await assert.rejects(committer.commit(TASK, commit), { code: 'E_TASK_DROPPED' });
  assert.equal(kafka.log.length, 1);
});

test('a commit under way when its task is abandoned ends first, and then its connection is closed', async () => {
  const kafka = new FakeKafka();
  const committer = await opened(kafka);
  const committing = committer.commit(TASK, commit);
  committer.abandon(TASK);
  assert.equal(kafka.open_producers, 1);
  await committing.catch(() => undefined);
  assert.equal(kafka.open_producers, 0);
});
