import { type ConformanceCase, outcome, type Scope } from '../conformance_case.ts';

const T0 = 1_700_000_000_000;

async function tenMessages(scope: Scope): Promise<string> {
  const topic = await scope.topic('t');
  const producer = await scope.producer();
  for (let n = 0; n < 10; n += 2) {
    const messages = [n, n + 1].map((value) => ({
      value: String(value),
      timestamp: String(T0 + 100 * value),
    }));
    await producer.send({ topic, messages });
  }
  return topic;
}

export const offsets: ConformanceCase[] = [
  {
    name: 'earliest and latest offsets of an empty, a filled and an unknown topic',
    async run(scope) {
      const admin = await scope.admin();
      const filled = await tenMessages(scope);
      const empty = await scope.topic('empty', 2);
      return {
        filled: await admin.fetchTopicOffsets(filled),
        empty: (await admin.fetchTopicOffsets(empty)).toSorted((a, b) => a.partition - b.partition),
        unknown: await outcome(admin.fetchTopicOffsets(scope.name('unknown'))),
      };
    },
  },
  {
    name: 'offsets for a time: before, at, between and after all records',
    async run(scope) {
      const topic = await tenMessages(scope);
      const admin = await scope.admin();
      const times = [0, T0, T0 + 1, T0 + 250, T0 + 300, T0 + 900, T0 + 901];
      const found = [];
      for (const time of times) found.push(await admin.fetchTopicOffsetsByTimestamp(topic, time));
      return found;
    },
  },
  {
    name: 'the first record at or after a time, where times are out of order',
    async run(scope) {
      const topic = await scope.topic('t');
      const producer = await scope.producer();
      for (const offsets_ms of [
        [50, 10],
        [5, 90],
        [20, 70],
      ]) {
        await producer.send({
          topic,
          messages: offsets_ms.map((ms) => ({ value: 'x', timestamp: String(T0 + ms) })),
        });
      }
      const client = scope.raw();
      const answers = [];
      for (const ms of [0, 11, 50, 51, 80, 90, 91]) {
        const partitions = [{ partition: 0, current_leader_epoch: -1, timestamp_ms: T0 + ms }];
        answers.push(
          await client.call('ListOffsets', 2, 2, {
            replica_id: -1,
            isolation_level: 0,
            topics: [{ name: topic, partitions }],
          }),
        );
      }
      return answers;
    },
  },
  {
    name: 'a group commits and resumes after what it committed',
    async run(scope) {
      const topic = await tenMessages(scope);
      const admin = await scope.admin();
      const first = await scope.consume(topic, 10, 'g');
      const producer = await scope.producer();
      await producer.send({ topic, messages: [{ value: 'later', timestamp: String(T0) }] });
      const resumed = await scope.consume(topic, 1, 'g');
      return {
        first: first.length,
        resumed,
        committed: await admin.fetchOffsets({ groupId: scope.name('g'), topics: [topic] }),
        all: await admin.fetchOffsets({ groupId: scope.name('g') }),
        other: await admin.fetchOffsets({ groupId: scope.name('other'), topics: [topic] }),
      };
    },
  },
  {
    name: 'offsets are set for a group without members, which starts there',
    async run(scope) {
      const topic = await tenMessages(scope);
      const admin = await scope.admin();
      const offset = { partition: 0, committed_offset: 7, leader_epoch: -1, metadata: 'by hand' };
      const committed = await scope.raw().call('OffsetCommit', 8, 7, {
        group_id: scope.name('g'),
        generation_id: -1,
        member_id: '',
        group_instance_id: null,
        topics: [{ name: topic, partitions: [offset] }],
      });
      const set = await admin.fetchOffsets({ groupId: scope.name('g'), topics: [topic] });
      return { committed, set, read: await scope.consume(topic, 3, 'g') };
    },
  },
  {
    name: 'deleted records are gone and the log starts after them',
    async run(scope) {
      const topic = await tenMessages(scope);
      const admin = await scope.admin();
      await admin.fetchTopicMetadata({ topics: [topic] }); // kafkajs wants to have seen the topic
      await admin.deleteTopicRecords({ topic, partitions: [{ partition: 0, offset: '5' }] });
      const moved = await admin.fetchTopicOffsets(topic);
      const read = await scope.consume(topic, 5);
      const beyond = await outcome(
        admin.deleteTopicRecords({ topic, partitions: [{ partition: 0, offset: '500' }] }),
      );
      await admin.deleteTopicRecords({ topic, partitions: [{ partition: 0, offset: '-1' }] });
      return { moved, read, beyond, emptied: await admin.fetchTopicOffsets(topic) };
    },
  },
  {
    name: 'the end of a leader epoch',
    async run(scope) {
      const topic = await tenMessages(scope);
      const client = scope.raw();
      const ask = (leader_epoch: number, current_leader_epoch = -1) =>
        client.call('OffsetForLeaderEpoch', 23, 3, {
          replica_id: -1,
          topics: [{ topic, partitions: [{ partition: 0, current_leader_epoch, leader_epoch }] }],
        });
      return [await ask(0), await ask(5), await ask(0, 0), await ask(0, 9)];
    },
  },
];
