import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ProducerBatch } from 'kafkajs';
import pino from 'pino';
import { AtLeastOnceCommitter, type Commit } from './committer.ts';
import type { OutputRecord } from './effects.ts';
import type { Producer } from './kafka.ts';
import type { PartitionOffset } from './membership.ts';

const SILENT = pino({ level: 'silent' });

interface Sent {
  topic: string;
  partition: number;
  key: string;
  headers: unknown;
}

/** What reached Kafka, in order, a call at a time; each attempt may be made to fail first. */
class FakeKafka {
  readonly calls: Sent[][] = [];
  readonly events: string[] = [];
  readonly failures: (Error | undefined)[] = [];
  max_message_bytes = Number.POSITIVE_INFINITY;
  answer: () => 'committed' | 'refused' = () => 'committed';

  get producer(): Producer {
    const sendBatch = async ({ topicMessages }: ProducerBatch) => {
      const failure = this.failures.shift();
      if (failure) throw failure;
      const sent = topicMessages!.flatMap(({ topic, messages }) =>
        messages.map(({ partition, key, headers, value }) => {
          if ((value?.length ?? 0) > this.max_message_bytes)
            throw Object.assign(new Error('too large'), { type: 'MESSAGE_TOO_LARGE' });
          return { topic, partition: partition!, key: String(key), headers };
        }),
      );
      this.calls.push(sent);
      this.events.push(`sent to ${[...new Set(sent.map(({ topic }) => topic))].join()}`);
      return [];
    };
    return { sendBatch } as unknown as Producer;
  }

  committer(): AtLeastOnceCommitter {
    const commit = async (offsets: PartitionOffset[]) => {
      const answer = this.answer();
      this.events.push(`${answer} ${offsets.map(({ offset }) => offset).join()}`);
      return answer;
    };
    const deadLetter = (record: OutputRecord): OutputRecord => ({ ...record, topic: 'dead', value: null });
    return new AtLeastOnceCommitter(this.producer, { commit }, deadLetter, SILENT);
  }

  get keys(): string[] {
    return this.calls.flat().map(({ key }) => key);
  }
}

function outputs(count: number, value = 'v', topic = 'out'): OutputRecord[] {
  return Array.from({ length: count }, (_, index) => ({
    topic,
    partition: index % 4,
    key: `k${index}`,
    value,
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
    changes.map(({ key }) => ({ partition: 2, key, headers: { errata: 's2' } })),
  );
});

test('a stage without changelog commits outputs and offsets; nothing to say asks nothing of Kafka', async () => {
  const kafka = new FakeKafka();
  const changelog = { topic: null, partition: 0, changes: [{ key: 'a/k', value: '1' }] };
  await kafka.committer().commit('s/0', commitOf({ outputs: outputs(1), changelog }));
  await kafka.committer().commit('s/0', commitOf({ offsets: [] }));
  assert.deepEqual(kafka.events, ['sent to out', 'committed 7']);
});

test('what is much goes in parts that kafkajs and a batch can take, in order', async () => {
  const many = new FakeKafka();
  await many.committer().commit('s/0', commitOf({ outputs: outputs(2_500) }));
  assert.deepEqual(
    many.calls.map(({ length }) => length),
    [1_000, 1_000, 500],
  );
  assert.deepEqual(
    many.keys,
    outputs(2_500).map(({ key }) => key),
  );

  const big = new FakeKafka();
  await big.committer().commit('s/0', commitOf({ outputs: outputs(5, 'x'.repeat(300_000)) }));
  assert.deepEqual(
    big.calls.map(({ length }) => length),
    [2, 2, 1],
  );
});

test('an output that its topic does not take is dead-lettered, and the others of its part still go', async () => {
  const kafka = new FakeKafka();
  kafka.max_message_bytes = 10;
  const mixed = outputs(3);
  mixed[1]!.value = 'x'.repeat(11);
  await kafka.committer().commit('s/0', commitOf({ outputs: mixed }));
  assert.deepEqual(
    kafka.calls.flat().map(({ topic, key }) => [topic, key]),
    [
      ['out', 'k0'],
      ['dead', 'k1'],
      ['out', 'k2'],
    ],
  );
  assert.equal(kafka.events.at(-1), 'committed 7');
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

test('what even the dead-letter topic does not take is told, not replaced again and again', async () => {
  const kafka = new FakeKafka();
  kafka.max_message_bytes = 10;
  const committer = kafka.committer();
  const committing = committer.commit('s/0', commitOf({ outputs: outputs(1, 'x'.repeat(11), 'dead') }));
  await new Promise((resolve) => setImmediate(resolve));
  assert.match(committer.trouble('s/0') ?? '', /dead-letter topic dead does not take/);
  assert.deepEqual(kafka.events, []);
  committer.abandon('s/0');
  await assert.rejects(committing, { code: 'E_TASK_DROPPED' });
});
