/** A member that is put out of its group while its connections break comes back by itself. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import pino from 'pino';
import { connectKafka, leaveGroup } from '../../engine/kafka.ts';
import { Membership } from '../../engine/membership.ts';
import { KafkaProxy } from '../faults/kafka_proxy.ts';
import { embeddedBroker } from '../harness/embedded.ts';
import { settingsFor } from '../harness/reading.ts';
import { until } from '../harness/until.ts';

const JOIN_GROUP = 11;
const LOG = pino({ level: 'silent' });

test('put out of the group, and cut off while it joins again, it joins anew', {
  timeout: 30_000,
}, async (t) => {
  const broker = await embeddedBroker(t, { min_session_timeout_ms: 500 });
  const proxy = await KafkaProxy.start(broker.port);
  t.after(() => proxy.stop());
  const direct = connectKafka(settingsFor(broker.address), LOG);
  const admin = direct.admin();
  await admin.connect();
  t.after(() => admin.disconnect());
  await admin.createTopics({ topics: [{ topic: 'in', numPartitions: 1 }] });

  const joined: string[] = [];
  const settings = settingsFor(proxy.address, { session_timeout_ms: 1_000, heartbeat_interval_ms: 100 });
  const membership = new Membership(
    connectKafka(settings, LOG),
    settings,
    {
      group_id: 'g',
      stages: [{ stage: 's', topics: ['in'], partitions: 1 }],
      process_id: 'one',
      process_workers: 1,
      admin: null,
      owned: () => [],
      onAssigned: (_, member_id) => joined.push(member_id),
      onLost: (error) => assert.fail(error),
    },
    LOG,
  );
  await membership.start();
  t.after(() => membership.leave());
  await until(() => joined.length === 1, 'it joins');

  const cut = proxy.cutAt(JOIN_GROUP, 'request', 10_000).then(() => {
    proxy.is_refusing = true;
    proxy.cut();
  });
  await leaveGroup(direct, 'g', joined[0]!);
  await cut;
  await until(() => proxy.refused > 5, 'it is refused');
  proxy.is_refusing = false;
  await until(() => joined.length > 1, 'it joins again', 10_000);
  const isMember = async () => (await admin.describeGroups(['g'])).groups[0]?.members.length === 1;
  await until(isMember, 'the group counts it');
});
