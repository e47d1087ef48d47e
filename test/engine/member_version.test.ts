/** Who speaks another version of the group data is refused, and the group that runs goes on. */
import assert from 'node:assert/strict';
import kafkajs, { type Consumer } from 'kafkajs';
import { connectKafka } from '../../engine/kafka.ts';
import { Membership, PROTOCOL_NAME } from '../../engine/membership.ts';
import { ErrataError } from '../../messages/errata_error.ts';
import type { Scope } from '../conformance/conformance_case.ts';
import { onBothBrokers } from '../harness/both_brokers.ts';
import { SILENT, settingsFor } from '../harness/reading.ts';
import { until } from '../harness/until.ts';

const OTHER_NAME = `${PROTOCOL_NAME.slice(0, PROTOCOL_NAME.lastIndexOf('.'))}.99`;

interface Other {
  consumer: Consumer;
  /** Settles when it has joined, or crashed. */
  running: Promise<void>;
  joined: number;
  crash: Error | undefined;
}

/** A member as another version of errata would be: of another protocol, or of this one with other data in it. */
async function otherVersion(scope: Scope, topic: string, name: string): Promise<Other> {
  const { MemberMetadata, MemberAssignment } = kafkajs.AssignerProtocol;
  const userData = Buffer.from(JSON.stringify({ version: 99 }));
  const consumer = connectKafka(settingsFor(scope.address), SILENT).consumer({
    groupId: scope.name('g'),
    heartbeatInterval: 100,
    maxWaitTimeInMs: 100,
    partitionAssigners: [
      () => ({
        name,
        version: 1,
        protocol: ({ topics }) => ({
          name,
          metadata: MemberMetadata.encode({ version: 1, topics, userData }),
        }),
        assign: async ({ members }) =>
          members.map(({ memberId }) => ({
            memberId,
            memberAssignment: MemberAssignment.encode({
              version: 1,
              assignment: { [topic]: [0] },
              userData: Buffer.alloc(0),
            }),
          })),
      }),
    ],
  });
  const other: Other = { consumer, running: Promise.resolve(), joined: 0, crash: undefined };
  consumer.on(consumer.events.GROUP_JOIN, () => {
    other.joined += 1;
  });
  consumer.on(consumer.events.CRASH, ({ payload }) => {
    if (!payload.restart) other.crash = payload.error;
  });
  await consumer.connect();
  await consumer.subscribe({ topics: [topic] });
  other.running = consumer.run({ autoCommit: false, eachBatch: async () => undefined });
  return other;
}

class Ours {
  assignments = 0;
  lost: Error | undefined;
  readonly membership: Membership;

  constructor(scope: Scope, topic: string) {
    const settings = settingsFor(scope.address, { session_timeout_ms: 10_000, heartbeat_interval_ms: 100 });
    this.membership = new Membership(
      connectKafka(settings, SILENT),
      settings,
      {
        group_id: scope.name('g'),
        stages: [{ stage: 's', topics: [topic], partitions: 1 }],
        process_id: 'test',
        process_workers: 1,
        admin: null,
        owned: () => [],
        onAssigned: () => {
          this.assignments += 1;
        },
        onLost: (error) => {
          this.lost = error;
        },
      },
      SILENT,
    );
  }
}

function assertRefused(error: Error | undefined): void {
  assert.ok(error instanceof ErrataError, String(error));
  assert.equal(error.code, 'E_MEMBER_VERSION');
  assert.match(error.toString(), /namespace/);
}

onBothBrokers(
  'a newcomer of another version is refused; the member that runs keeps committing',
  async (scope, t) => {
    const topic = await scope.topic('t', 1);
    const ours = new Ours(scope, topic);
    t.after(() => ours.membership.leave());
    await ours.membership.start();
    await until(() => ours.assignments === 1, 'ours has joined');
    const other = await otherVersion(scope, topic, OTHER_NAME);
    t.after(() => other.consumer.disconnect());
    await until(() => other.crash !== undefined, 'the other is refused');
    assert.equal((other.crash as { type?: string }).type, 'INCONSISTENT_GROUP_PROTOCOL');
    assert.equal(await ours.membership.commit([{ topic, partition: 0, offset: 0 }]), 'committed');
    assert.deepEqual([ours.assignments, ours.lost], [1, undefined]);
  },
);

onBothBrokers('a group of another version refuses this one, which says why', async (scope, t) => {
  const topic = await scope.topic('t', 1);
  const other = await otherVersion(scope, topic, OTHER_NAME);
  t.after(() => other.consumer.disconnect());
  await until(() => other.joined === 1, 'the other has joined');
  const ours = new Ours(scope, topic);
  t.after(() => ours.membership.leave());
  await ours.membership.start();
  await until(() => ours.lost !== undefined, 'ours is refused');
  assertRefused(ours.lost);
  await other.consumer.commitOffsets([{ topic, partition: 0, offset: '0' }]);
  assert.deepEqual([ours.assignments, other.joined, other.crash], [0, 1, undefined]);
});
