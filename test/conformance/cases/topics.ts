import { type ConformanceCase, outcome, until } from '../conformance_case.ts';

export const topics: ConformanceCase[] = [
  {
    name: 'a topic is created once',
    async run(scope) {
      const admin = await scope.admin();
      const topic = scope.name('t');
      const create = () =>
        admin.createTopics({ topics: [{ topic, numPartitions: 3 }], waitForLeaders: false });
      const created = [await create(), await create()];
      await scope.offsets(admin, topic, 3);
      const {
        topics: [described],
      } = await admin.fetchTopicMetadata({ topics: [topic] });
      const partitions = described!.partitions.map(({ partitionId, partitionErrorCode, replicas, isr }) => ({
        partitionId,
        partitionErrorCode,
        replicas: replicas.length,
        isr: isr.length,
      }));
      return {
        created,
        listed: (await admin.listTopics()).includes(topic),
        partitions: partitions.toSorted((a, b) => a.partitionId - b.partitionId),
      };
    },
  },
  {
    name: 'impossible topics are refused',
    async run(scope) {
      const admin = await scope.admin();
      const existing = await scope.topic('exists.here');
      const attempts = {
        bad_name: { topic: 'no spaces allowed' },
        dot: { topic: '.' },
        long_name: { topic: 'x'.repeat(250) },
        colliding: { topic: existing.replace('exists.here', 'exists_here') },
        no_partitions: { topic: scope.name('a'), numPartitions: 0 },
        replicas: { topic: scope.name('b'), replicationFactor: 3 },
        no_replicas: { topic: scope.name('c'), replicationFactor: 0 },
        unknown_config: { topic: scope.name('d'), configEntries: [{ name: 'no.such.config', value: '1' }] },
        bad_config: { topic: scope.name('e'), configEntries: [{ name: 'retention.ms', value: 'soon' }] },
        bad_policy: { topic: scope.name('f'), configEntries: [{ name: 'cleanup.policy', value: 'burn' }] },
      };
      const answers: Record<string, unknown> = {};
      for (const [name, topic] of Object.entries(attempts)) {
        answers[name] = await outcome(admin.createTopics({ topics: [topic] }));
      }
      return answers;
    },
  },
  {
    name: 'checking only creates nothing',
    async run(scope) {
      const admin = await scope.admin();
      const topic = scope.name('t');
      const checked = await outcome(
        admin.createTopics({ validateOnly: true, waitForLeaders: false, topics: [{ topic }] }),
      );
      return { checked, listed: (await admin.listTopics()).includes(topic) };
    },
  },
  {
    name: 'a deleted topic is gone, with what groups committed for it',
    async run(scope) {
      const admin = await scope.admin();
      const topic = await scope.topic('t');
      const producer = await scope.producer();
      await producer.send({ topic, messages: [{ value: 'x' }] });
      await scope.consume(topic, 1, 'g');
      await admin.deleteTopics({ topics: [topic] });
      await until(
        () => admin.listTopics(),
        (names) => !names.includes(topic),
      );
      const again = await outcome(admin.deleteTopics({ topics: [topic] }));
      await scope.topic('t');
      return { again, offsets: await admin.fetchTopicOffsets(topic) };
    },
  },
  {
    name: 'partitions are added and never taken away',
    async run(scope) {
      const admin = await scope.admin();
      const topic = await scope.topic('t', 2);
      const grow = (count: number, name = topic) =>
        outcome(admin.createPartitions({ topicPartitions: [{ topic: name, count }] }));
      const grown = [await grow(4), await grow(4), await grow(1), await grow(3, scope.name('unknown'))];
      return { grown, offsets: await scope.offsets(admin, topic, 4) };
    },
  },
  {
    name: 'metadata of unknown and illegal topics',
    async run(scope) {
      const client = scope.raw();
      const ask = (name: string) =>
        client.call<{ topics: { error_code: number; partitions: unknown[] }[] }>('Metadata', 3, 6, {
          topics: [{ name }],
          allow_auto_topic_creation: false,
        });
      const answers = [await ask(scope.name('unknown')), await ask('not legal!')];
      return answers.map(({ topics: [topic] }) => [topic!.error_code, topic!.partitions.length]);
    },
  },
  {
    name: 'a topic is created by asking for its metadata',
    async run(scope) {
      const client = scope.raw();
      const name = scope.name('auto');
      const ask = () =>
        client.call<{ topics: { error_code: number; partitions: unknown[] }[] }>('Metadata', 3, 6, {
          topics: [{ name }],
          allow_auto_topic_creation: true,
        });
      const settled = await until(ask, ({ topics: [topic] }) => topic!.error_code === 0);
      return settled.topics[0]!.partitions.length;
    },
  },
];
