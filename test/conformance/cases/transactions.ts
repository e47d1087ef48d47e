import type { RawClient } from '../../harness/raw_client.ts';
import { RawProducer, readLog } from '../../harness/raw_producer.ts';
import { type ConformanceCase, type Scope, until } from '../conformance_case.ts';

/** Kafka answers the end of a transaction before its markers are written: waits until all is decided. */
export async function decided(client: RawClient, topic: string) {
  const is_decided = (log: Awaited<ReturnType<typeof readLog>>) =>
    log.last_stable_offset === log.high_watermark;
  await until(() => readLog(client, topic, 'read_committed'), is_decided);
}

/** Both views of the log, with producers by name in place of their ids. */
async function views(client: RawClient, topic: string, producers: Record<string, RawProducer>) {
  const nameOf = (id: number) =>
    Object.keys(producers).find((name) => producers[name]!.producer_id === id) ?? 'unknown';
  const view = async (isolation: 'read_committed' | 'read_uncommitted') => {
    const { aborted, valid, ...log } = await readLog(client, topic, isolation);
    return {
      ...log,
      valid: valid.length,
      aborted: aborted.map(([id, first]) => `${nameOf(id)} from ${first}`),
    };
  };
  return { committed: await view('read_committed'), uncommitted: await view('read_uncommitted') };
}

async function transactional(scope: Scope, client: RawClient, name: string, timeout_ms = 60_000) {
  const producer = new RawProducer(client, scope.name(name));
  const error_code = await producer.init(timeout_ms);
  if (error_code !== 0) throw new Error(`init: ${error_code}`);
  return producer;
}

async function committedOffset(client: RawClient, group_id: string, topic: string, require_stable = false) {
  const request = { group_id, topics: [{ name: topic, partitions: [0] }], require_stable };
  const answer = await client.call<{
    topics: { partitions: { committed_offset: number; metadata: string; error_code: number }[] }[];
  }>('OffsetFetch', 9, 7, request);
  const { committed_offset, metadata, error_code } = answer.topics[0]!.partitions[0]!;
  return { committed_offset, metadata, error_code };
}

export const transactions: ConformanceCase[] = [
  {
    name: 'kafkajs commits one transaction and aborts another; its consumer reads the first',
    async run(scope) {
      const topic = await scope.topic('t', 2);
      const producer = await scope.producer({
        transactionalId: scope.name('id'),
        maxInFlightRequests: 1,
        idempotent: true,
      });
      for (const [value, ends] of [
        ['one', 'commit'],
        ['void', 'abort'],
        ['two', 'commit'],
      ] as const) {
        const transaction = await producer.transaction();
        for (const partition of [0, 1]) {
          const message = { value: `${value} ${partition}`, timestamp: '1700000000000', partition };
          await transaction.send({ topic, messages: [message] });
        }
        await transaction[ends]();
      }
      const client = scope.raw();
      await decided(client, topic);
      const read = await scope.consume(topic, 4);
      return { read, log: (await readLog(client, topic, 'read_uncommitted')).records };
    },
  },
  {
    name: 'overlapping transactions: what is read, the last stable offset and the aborted list at each step',
    async run(scope) {
      const topic = await scope.topic('t');
      const client = scope.raw();
      const a = await transactional(scope, client, 'a');
      const b = await transactional(scope, client, 'b');
      const plain = new RawProducer(client);
      const show = () => views(client, topic, { a, b });
      await a.addPartitions(topic);
      await b.addPartitions(topic);
      await a.write(topic, ['a0', 'a1']);
      await plain.write(topic, ['plain']);
      await b.write(topic, ['b0']);
      await a.write(topic, ['a2']);
      const open = await show();
      await b.end(false);
      await until(
        () => readLog(client, topic, 'read_uncommitted'),
        ({ high_watermark }) => high_watermark === 6,
      );
      const one_aborted = await show();
      await a.end(true);
      await decided(client, topic);
      const both_ended = await show();
      for (const producer of [a, b]) await producer.addPartitions(topic);
      await b.write(topic, ['b1']);
      await a.write(topic, ['a3']);
      await a.end(false);
      await until(
        () => readLog(client, topic, 'read_uncommitted'),
        ({ high_watermark }) => high_watermark === 10,
      );
      await b.end(false);
      await decided(client, topic);
      const { aborted } = await readLog(client, topic, 'read_committed', 8);
      return { open, one_aborted, both_ended, all: await show(), late_reader: aborted.map(([, at]) => at) };
    },
  },
  {
    name: 'latest offsets and offsets for a time know the isolation level',
    async run(scope) {
      const topic = await scope.topic('t');
      const client = scope.raw();
      const a = await transactional(scope, client, 'a');
      await new RawProducer(client).write(topic, ['plain']);
      await a.addPartitions(topic);
      await a.write(topic, ['a0', 'a1']);
      const ask = async (isolation_level: number, timestamp_ms: number) => {
        const partitions = [{ partition: 0, current_leader_epoch: -1, timestamp_ms }];
        const request = { replica_id: -1, isolation_level, topics: [{ name: topic, partitions }] };
        return client.call('ListOffsets', 2, 5, request);
      };
      const both = async () => [await ask(0, -1), await ask(1, -1), await ask(0, -2), await ask(1, -2)];
      const open = [...(await both()), await ask(1, 1_700_000_000_001)];
      await a.end(true);
      await decided(client, topic);
      return { open, ended: await both() };
    },
  },
  {
    name: 'a read_committed fetch waits until the transaction ends',
    async run(scope) {
      const topic = await scope.topic('t');
      const a = await transactional(scope, scope.raw(), 'a');
      await a.addPartitions(topic);
      await a.write(topic, ['a0']);
      const consumed = scope.consume(topic, 1);
      await a.end(true);
      return (await consumed).map(({ value }) => value);
    },
  },
  {
    name: 'offsets of a transaction count when it is committed and not when it is aborted',
    async run(scope) {
      const topic = await scope.topic('t');
      const group = scope.name('g');
      const client = scope.raw();
      const a = await transactional(scope, client, 'a');
      const ask = (require_stable = false) => committedOffset(client, group, topic, require_stable);
      const without_adding = await a.commitOffset(group, topic, 3);
      const steps: unknown[] = [without_adding, await a.addOffsets(group)];
      steps.push(await a.commitOffset(group, topic, 5), await ask(), await ask(true), await a.end(true));
      await until(ask, ({ committed_offset }) => committed_offset === 5);
      steps.push(await ask(), await a.addOffsets(group), await a.commitOffset(group, topic, 9));
      steps.push(await ask(true), await a.end(false));
      await until(
        () => ask(true),
        ({ error_code }) => error_code === 0,
      );
      steps.push(await ask());
      return steps;
    },
  },
  {
    name: 'kafkajs sends offsets in a transaction',
    async run(scope) {
      const topic = await scope.topic('t');
      const client = scope.raw();
      const group = scope.name('g');
      const transactionalId = scope.name('id');
      const producer = await scope.producer({ transactionalId, maxInFlightRequests: 1, idempotent: true });
      const seen = [];
      for (const [offset, ends] of [
        ['7', 'commit'],
        ['9', 'abort'],
      ] as const) {
        const transaction = await producer.transaction();
        await transaction.send({ topic, messages: [{ value: offset }] });
        const topics = [{ topic, partitions: [{ partition: 0, offset }] }];
        await transaction.sendOffsets({ consumerGroupId: group, topics });
        await transaction[ends]();
        await decided(client, topic);
        seen.push(
          await until(
            () => committedOffset(client, group, topic, true),
            ({ error_code }) => error_code === 0,
          ),
        );
      }
      return seen;
    },
  },
  {
    name: 'a later commit of the group is not undone by a transaction that began before it',
    async run(scope) {
      const topic = await scope.topic('t');
      const group = scope.name('g');
      const client = scope.raw();
      const a = await transactional(scope, client, 'a');
      await a.addOffsets(group);
      await a.commitOffset(group, topic, 5);
      const partitions = [{ partition: 0, committed_offset: 11, leader_epoch: -1, metadata: 'later' }];
      await client.call('OffsetCommit', 8, 7, {
        group_id: group,
        generation_id: -1,
        member_id: '',
        group_instance_id: null,
        topics: [{ name: topic, partitions }],
      });
      await a.end(true);
      return until(
        () => committedOffset(client, group, topic, true),
        ({ error_code }) => error_code === 0,
      );
    },
  },
];
