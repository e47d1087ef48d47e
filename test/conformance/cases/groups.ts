import type { Consumer, GroupDescription } from 'kafkajs';
import type { RawClient } from '../../harness/raw_client.ts';
import { type ConformanceCase, outcome, type Scope, until } from '../conformance_case.ts';

async function member(
  scope: Scope,
  topic: string,
): Promise<{ consumer: Consumer; partitions: () => number[] }> {
  const consumer = scope.kafka.consumer({
    groupId: scope.name('g'),
    sessionTimeout: 10_000,
    heartbeatInterval: 100,
    maxWaitTimeInMs: 100,
  });
  let partitions: number[] = [];
  consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => {
    partitions = payload.memberAssignment[topic] ?? [];
  });
  await consumer.connect();
  await consumer.subscribe({ topics: [topic], fromBeginning: true });
  await consumer.run({ eachMessage: async () => {} });
  return { consumer, partitions: () => partitions };
}

function shown({ state, protocolType, protocol, members }: GroupDescription) {
  return {
    state,
    protocolType,
    protocol,
    members: members.map(({ clientId, clientHost, memberId }) => ({ clientId, clientHost, memberId })),
  };
}

const SUBSCRIPTION = Buffer.from([0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);

interface Joined {
  error_code: number;
  generation_id: number;
  member_id: string;
  leader: string;
  protocol_name: string;
  members: { member_id: string }[];
}

function join(client: RawClient, group_id: string, member_id: string, changed: object = {}): Promise<Joined> {
  return client.call<Joined>('JoinGroup', 11, 5, {
    group_id,
    session_timeout_ms: 10_000,
    rebalance_timeout_ms: 10_000,
    member_id,
    group_instance_id: null,
    protocol_type: 'consumer',
    protocols: [{ name: 'range', metadata: SUBSCRIPTION }],
    ...changed,
  });
}

function heartbeat(client: RawClient, group_id: string, member_id: string, generation_id: number) {
  return client.call('Heartbeat', 12, 3, { group_id, generation_id, member_id, group_instance_id: null });
}

function sync(client: RawClient, group_id: string, member_id: string, generation_id: number, to: string[]) {
  const assignments = to.map((id) => ({ member_id: id, assignment: Buffer.from('part') }));
  return client.call<{ error_code: number; assignment: Buffer }>('SyncGroup', 14, 3, {
    group_id,
    generation_id,
    member_id,
    group_instance_id: null,
    assignments,
  });
}

/** Joins a new group, leads it and hands out the assignment. */
async function onlyMember(client: RawClient, group_id: string): Promise<Joined> {
  const { member_id } = await join(client, group_id, '');
  const joined = await join(client, group_id, member_id);
  await sync(client, group_id, member_id, joined.generation_id, [member_id]);
  return joined;
}

export const groups: ConformanceCase[] = [
  {
    name: 'two members share the partitions, and one gets all when the other leaves',
    async run(scope) {
      const topic = await scope.topic('t', 4);
      const admin = await scope.admin();
      const describe = async () => (await admin.describeGroups([scope.name('g')])).groups[0]!;
      const first = await member(scope, topic);
      await until(
        async () => first.partitions().length,
        (count) => count === 4,
      );
      const second = await member(scope, topic);
      await until(
        async () => first.partitions().length + 10 * second.partitions().length,
        (counts) => counts === 22,
      );
      const shared = [...first.partitions(), ...second.partitions()].toSorted();
      const both = shown(
        await until(describe, ({ state, members }) => state === 'Stable' && members.length === 2),
      );
      await first.consumer.disconnect();
      await until(
        async () => second.partitions().length,
        (count) => count === 4,
      );
      const one = shown(await until(describe, ({ state }) => state === 'Stable'));
      const busy = await outcome(admin.deleteGroups([scope.name('g')]).catch(groupErrors));
      await second.consumer.disconnect();
      const none = shown(await until(describe, ({ state }) => state === 'Empty'));
      return { shared, both, one, busy, none };
    },
  },
  {
    name: 'groups are listed, deleted and unknown',
    async run(scope) {
      const admin = await scope.admin();
      const topic = await scope.topic('t');
      const producer = await scope.producer();
      await producer.send({ topic, messages: [{ value: 'x' }] });
      await scope.consume(topic, 1, 'g');
      const groupId = scope.name('g');
      const find = async () =>
        (await admin.listGroups()).groups.find((group) => group.groupId === groupId) ?? null;
      const listed = await find();
      const deleted = await outcome(admin.deleteGroups([groupId]));
      const again = await outcome(admin.deleteGroups([groupId]).catch(groupErrors));
      const {
        groups: [dead],
      } = await admin.describeGroups([groupId]);
      return {
        listed,
        deleted,
        again,
        dead: dead!.state,
        left: await find(),
      };
    },
  },
  {
    name: 'a new member first gets an id and then joins with it',
    async run(scope) {
      const client = scope.raw();
      const group = scope.name('g');
      const asked = await join(client, group, '');
      const joined = await join(client, group, asked.member_id);
      const { generation_id, member_id } = joined;
      const before_sync = await heartbeat(client, group, member_id, generation_id);
      const synced = await sync(client, group, member_id, generation_id, [member_id]);
      return {
        asked,
        joined: { ...joined, members: joined.members.length },
        before_sync,
        synced: [synced.error_code, String(synced.assignment)],
        heartbeat: await heartbeat(client, group, member_id, generation_id),
        repeated: (await join(client, group, member_id)).generation_id,
      };
    },
  },
  {
    name: 'strangers, old generations and impossible members are refused',
    async run(scope) {
      const client = scope.raw();
      const group = scope.name('g');
      const { member_id, generation_id } = await onlyMember(client, group);
      const other = scope.name('other');
      const codes = [
        await heartbeat(client, group, 'stranger', generation_id),
        await heartbeat(client, group, member_id, generation_id + 1),
        await heartbeat(client, other, member_id, generation_id),
        (await join(client, group, 'stranger')).error_code,
        (await join(client, group, '', { session_timeout_ms: 10 })).error_code,
        (await join(client, '', '')).error_code,
        (await join(client, group, '', { protocol_type: 'connect' })).error_code,
        (await join(client, group, '', { protocols: [{ name: 'other', metadata: SUBSCRIPTION }] }))
          .error_code,
        (await join(client, group, '', { protocols: [] })).error_code,
        (await sync(client, group, member_id, generation_id + 1, [])).error_code,
        (await sync(client, group, 'stranger', generation_id, [])).error_code,
      ];
      return codes;
    },
  },
  {
    name: 'offsets are committed by members of the generation only',
    async run(scope) {
      const topic = await scope.topic('t');
      const client = scope.raw();
      const group = scope.name('g');
      const { member_id, generation_id } = await onlyMember(client, group);
      const commit = (member: string, generation: number, name = topic, partition = 0, metadata = 'm') =>
        client.call('OffsetCommit', 8, 7, {
          group_id: group,
          generation_id: generation,
          member_id: member,
          group_instance_id: null,
          topics: [{ name, partitions: [{ partition, committed_offset: 3, leader_epoch: -1, metadata }] }],
        });
      const commits = [
        await commit(member_id, generation_id),
        await commit(member_id, generation_id + 1),
        await commit('stranger', generation_id),
        await commit('', -1),
        await commit(member_id, generation_id, topic, 0, 'x'.repeat(5000)),
      ];
      const fetched = await client.call('OffsetFetch', 9, 5, {
        group_id: group,
        topics: [{ name: topic, partitions: [0] }],
      });
      return { commits, fetched };
    },
  },
  {
    name: 'a member that leaves is unknown',
    async run(scope) {
      const client = scope.raw();
      const group_id = scope.name('g');
      const { member_id, generation_id } = await onlyMember(client, group_id);
      const leave = () =>
        client.call('LeaveGroup', 13, 3, { group_id, members: [{ member_id, group_instance_id: null }] });
      return {
        left: await leave(),
        again: await leave(),
        beat: await heartbeat(client, group_id, member_id, generation_id),
      };
    },
  },
];

/** kafkajs puts the codes of failed deletions into a field of its own. */
function groupErrors(thrown: { groups?: { errorCode: number }[] }): unknown {
  if (thrown.groups === undefined) throw thrown;
  return thrown.groups.map(({ errorCode }) => errorCode);
}
