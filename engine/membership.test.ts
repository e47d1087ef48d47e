import assert from 'node:assert/strict';
import { test } from 'node:test';
import kafkajs, { type PartitionAssigner } from 'kafkajs';
import { ErrataError } from '../messages/errata_error.ts';
import { PROTOCOL_NAME, taskAssigner } from './membership.ts';

type Context = Parameters<PartitionAssigner>[0];

test('data that the leader cannot read ends the leader with that reason', async () => {
  const lost: Error[] = [];
  const assigner = taskAssigner({
    stages: [{ stage: 's', topics: ['t'], partitions: 1 }],
    process_id: 'p',
    process_workers: 1,
    admin: null,
    owned: () => [],
    onLost: (error) => lost.push(error),
  })({} as Context);
  const topics = ['t'];
  const ours = assigner.protocol({ topics });
  assert.deepEqual([assigner.name, ours.name], [PROTOCOL_NAME, PROTOCOL_NAME]);
  const userData = Buffer.from(JSON.stringify({ version: 99 }));
  const theirs = kafkajs.AssignerProtocol.MemberMetadata.encode({ version: 1, topics, userData });
  const member = (memberId: string, memberMetadata: Buffer) => ({ memberId, memberMetadata });

  const assigned = await assigner.assign({ members: [member('a', ours.metadata)], topics });
  assert.equal(assigned.length, 1);
  assert.equal(lost.length, 0);

  const both = [member('a', ours.metadata), member('b', theirs)];
  await assert.rejects(assigner.assign({ members: both, topics }), { code: 'E_MEMBER_VERSION' });
  assert.deepEqual(
    lost.map((error) => error instanceof ErrataError && error.code),
    ['E_MEMBER_VERSION'],
  );
});
