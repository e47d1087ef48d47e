import assert from 'node:assert/strict';
import { test } from 'node:test';
import pino from 'pino';
import { AtLeastOnceCommitter, type Commit } from './committer.ts';
import type { OutputRecord } from './effects.ts';
import type { PartitionOffset } from './group_consumer.ts';
import { kafkaError } from './kafka_errors.ts';
import type { Outbox } from './outbox.ts';

const SILENT = pino({ level: 'silent' });

interface Sent {
  topic: string;
  partition: number;
  key: string;
  headers: unknown;
}

/** What reached Kafka, in order, a flush at a time; each attempt may be made to fail first. */
class FakeKafka {
  readonly calls: Sent[][] = [];
  readonly events: string[] = [];
  readonly failures: (Error | undefined)[] = [];
  answer: () => 'committed' | 'refused' = () => 'committed';

  committer(): AtLeastOnceCommitter {
    const commitOffsets = async (offsets: PartitionOffset[]) => {
      const answer = this.answer();
      this.events.push(`${answer} ${offsets.map(({ offset }) => offset).join()}`);
      return answer;
    };
    const flush = async (outbox: Outbox) => {
      if (outbox.waiting().length === 0) return;
      const failure = this.failures.shift();
      if (failure) throw failure;
      this.#take(outbox);
    };
    return new AtLeastOnceCommitter({ flush, commitOffsets, close: async () => undefined }, SILENT);
  }

  #take(outbox: Outbox): void {
    const sent: Sent[] = [];
    for (const lane of outbox.waiting())
      for (; lane.left > 0; lane.drop(1)) {
        const { topic, partition, key, headers } = lane.first;
        sent.push({ topic, partition, key: String(key), headers });
      }
    this.calls.push(sent);
    this.events.push(`sent to ${[...new Set(sent.map(({ topic }) => topic))].join()}`);
  }
}

function outputs(count: number): OutputRecord[] {
  return Array.from({ length: count }, (_, index) => ({
    topic: 'out',
    partition: index % 4,
    key: `k${index}`,
    value: 'v',
    headers: {},
  }));
}

function commitOf(changed: Partial<Commit>): Commit {
  return {
    outputs: [],
    changelog: { topic: 'changes', partition: 2, changes: [] },
    offsets: [{ topic: 'in', partition: 2, offset: 7, previous: 0 }],
    ...changed,
  };
}

test('outputs go first, then the state, and the offsets last', async () => {
  const kafka = new FakeKafka();
  const changes = [
    { key: 'a/k', value: '1' },
    { key: 'a/gone', value: null },
  ];
  const changelog = { topic: 'changes', partition: 2, changes };
  await kafka.committer().commit('s/2', commitOf({ outputs: outputs(3), changelog }));
  assert.deepEqual(kafka.events, ['sent to out', 'sent to changes', 'committed 7']);
  assert.deepEqual(
    kafka.calls[1]!.map(({ partition, key, headers }) => ({ partition, key, headers })),
    changes.map(({ key }) => ({ partition: 2, key, headers: { errata: 's5' } })),
  );
});

test('a stage without changelog commits outputs and offsets; nothing to say asks nothing of Kafka', async () => {
  const kafka = new FakeKafka();
  const changelog = { topic: null, partition: 0, changes: [{ key: 'a/k', value: '1' }] };
  await kafka.committer().commit('s/0', commitOf({ outputs: outputs(1), changelog }));
  await kafka.committer().commit('s/0', commitOf({ offsets: [] }));
  assert.deepEqual(kafka.events, ['sent to out', 'committed 7']);
});

test('what fails is repeated and nothing after it is done before; meanwhile it says what it waits for', async () => {
  const kafka = new FakeKafka();
  kafka.failures.push(new Error('no leader'), new Error('no leader'));
  const committer = kafka.committer();
  const committing = committer.commit('s/0', commitOf({ outputs: outputs(1) }));
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(committer.trouble('s/0'), 'no leader');
  assert.deepEqual(kafka.events, []);
  await committing;
  assert.equal(committer.trouble('s/0'), null);
  assert.deepEqual(kafka.events, ['sent to out', 'committed 7']);
});

test('a refused commit of offsets is repeated until it is taken, without sending again', async () => {
  const kafka = new FakeKafka();
  const answers: ('committed' | 'refused')[] = ['refused', 'refused', 'committed'];
  kafka.answer = () => answers.shift()!;
  await kafka.committer().commit('s/0', commitOf({ outputs: outputs(1) }));
  assert.deepEqual(kafka.events, ['sent to out', 'refused 7', 'refused 7', 'committed 7']);
});

test('a commit that is refused ends when the task is abandoned, and goes again once it is adopted', async () => {
  const kafka = new FakeKafka();
  const committer = kafka.committer();
  kafka.answer = () => {
    committer.abandon('s/0');
    return 'refused';
  };
  await assert.rejects(committer.commit('s/0', commitOf({})), { code: 'E_TASK_DROPPED' });
  assert.deepEqual(kafka.events, ['refused 7']);
  await assert.rejects(committer.commit('s/0', commitOf({ outputs: outputs(1) })), {
    code: 'E_TASK_DROPPED',
  });
  assert.deepEqual(kafka.calls, []);
  kafka.answer = () => 'committed';
  await committer.open('s/0');
  await committer.commit('s/0', commitOf({}));
  assert.equal(kafka.events.at(-1), 'committed 7');
});

test('what waiting does not mend ends the commit, with what to do about it', async () => {
  const kafka = new FakeKafka();
  kafka.failures.push(kafkaError(29, 'topic out/0'));
  await assert.rejects(kafka.committer().commit('s/0', commitOf({ outputs: outputs(1) })), {
    code: 'E_KAFKA_TOPIC_AUTHORIZATION_FAILED',
    message: 'Kafka answers TOPIC_AUTHORIZATION_FAILED: topic out/0',
    hint: /grant this principal/,
  });
  assert.deepEqual(kafka.events, []);
});
