import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import { test } from 'node:test';
import { Kafka, logLevel } from 'kafkajs';
import { startBroker } from '../../broker/broker.ts';
import { encodeFetchRequest, type FetchResponse, fetchRequest } from '../../wire/fetch.ts';
import { Reader } from '../../wire/primitives.ts';
import { encodeBatch } from '../../wire/record_batch.ts';
import { embeddedBroker, temporaryFolder } from '../harness/embedded.ts';
import { RawClient } from '../harness/raw_client.ts';

function client(address: string): Kafka {
  return new Kafka({ brokers: [address], logLevel: logLevel.NOTHING });
}

test('topics, records, configurations and offsets are there after a restart', async (t) => {
  const data_dir = temporaryFolder(t);
  const first = await startBroker({ port: 0, data_dir });
  const admin = client(first.address).admin();
  await admin.connect();
  await admin.createTopics({
    topics: [{ topic: 't', numPartitions: 2, configEntries: [{ name: 'retention.ms', value: '-1' }] }],
  });
  const producer = client(first.address).producer();
  await producer.connect();
  await producer.send({ topic: 't', messages: [0, 1, 1].map((partition) => ({ value: 'x', partition })) });
  const raw = new RawClient(first.address);
  const offset = { partition: 1, committed_offset: 1, leader_epoch: -1, metadata: '' };
  await raw.call('OffsetCommit', 8, 7, {
    group_id: 'g',
    generation_id: -1,
    member_id: '',
    group_instance_id: null,
    topics: [{ name: 't', partitions: [offset] }],
  });
  raw.end();
  await admin.fetchTopicMetadata({ topics: ['t'] }); // kafkajs wants to have seen the topic
  await admin.deleteTopicRecords({ topic: 't', partitions: [{ partition: 1, offset: '2' }] });
  await Promise.all([admin.disconnect(), producer.disconnect()]);
  await first.stop();

  const second = await startBroker({ port: 0, data_dir });
  t.after(() => second.stop());
  const again = client(second.address).admin();
  await again.connect();
  const offsets = (await again.fetchTopicOffsets('t')).map(({ low, high }) => [low, high]);
  const [committed] = await again.fetchOffsets({ groupId: 'g', topics: ['t'] });
  const { resources } = await again.describeConfigs({
    includeSynonyms: false,
    resources: [{ type: 2, name: 't', configNames: ['retention.ms'] }],
  });
  await again.disconnect();
  assert.deepEqual(offsets, [
    ['0', '1'],
    ['2', '2'],
  ]);
  assert.equal(committed!.partitions.find(({ partition }) => partition === 1)!.offset, '1');
  assert.equal(resources[0]!.configEntries[0]!.configValue, '-1');
});

test('a taken port is named in the error', async (t) => {
  const other = createServer();
  const port = await new Promise<number>((resolve) => {
    other.listen(0, '127.0.0.1', () => resolve((other.address() as { port: number }).port));
  });
  t.after(() => other.close());
  await assert.rejects(
    startBroker({ port, data_dir: temporaryFolder(t) }),
    (error: Error & { code: string; hint: string }) => {
      assert.equal(error.code, 'E_PORT_IN_USE');
      assert.match(error.message, new RegExp(String(port)));
      assert.match(error.hint, /another with --kafka-port/);
      return true;
    },
  );
});

test('a second broker on the same data is refused, and may start when the first has stopped', async (t) => {
  const data_dir = temporaryFolder(t);
  const first = await startBroker({ port: 0, data_dir });
  await assert.rejects(startBroker({ port: 0, data_dir }), { code: 'E_DATA_DIR_IN_USE' });
  await first.stop();
  const second = await startBroker({ port: 0, data_dir });
  await second.stop();
});

test('a data folder that cannot be made is an error', async () => {
  await assert.rejects(startBroker({ port: 0, data_dir: '/dev/null/no' }), { code: 'E_DATA_DIR' });
});

test('stop ends long polls and waiting members at once', async (t) => {
  const broker = await startBroker({ port: 0, data_dir: temporaryFolder(t) });
  const [poll, member] = [new RawClient(broker.address), new RawClient(broker.address)];
  await poll.call('Metadata', 3, 4, { topics: [{ name: 't' }], allow_auto_topic_creation: true });
  const partition = { partition: 0, fetch_offset: 0, partition_max_bytes: 1000 };
  const topics = [{ topic: 't', partitions: [partition] }];
  const body = encodeFetchRequest({
    max_wait_ms: 60_000,
    min_bytes: 1,
    max_bytes: 1,
    isolation: 'read_committed',
    topics,
  });
  const request = fetchRequest.read(new Reader(body), 11, false);
  const polled = assert.rejects(poll.call('Fetch', 1, 11, request), /closed/);
  const group = {
    group_id: 'g',
    session_timeout_ms: 60_000,
    rebalance_timeout_ms: 60_000,
    group_instance_id: null,
  };
  const protocols = [{ name: 'range', metadata: Buffer.alloc(0) }];
  const join = { ...group, member_id: '', protocol_type: 'consumer', protocols };
  await member.call('JoinGroup', 11, 4, join); // reserves an id, for which the next one has to wait
  const joined = Promise.allSettled([member.call('JoinGroup', 11, 3, join)]);
  const started = performance.now();
  await broker.stop();
  await Promise.all([polled, joined]);
  assert.ok(performance.now() - started < 5000);
});

test('old records go by themselves, and what lies below the start is out of range', async (t) => {
  const { address } = await embeddedBroker(t, { retention_interval_ms: 20 });
  const raw = new RawClient(address);
  t.after(() => raw.end());
  const configs = [{ name: 'retention.ms', value: '60000' }];
  const topic = { name: 't', partitions: 1, replication_factor: 1, assignments: [], configs };
  await raw.call('CreateTopics', 19, 3, { topics: [topic], timeout_ms: 1000, validate_only: false });
  for (const age_ms of [120_000, 0]) {
    const records = encodeBatch([{ key: null, value: Buffer.from('x'), timestamp_ms: Date.now() - age_ms }]);
    const topics = [{ name: 't', partitions: [{ partition: 0, records }] }];
    await raw.call('Produce', 0, 7, { transactional_id: null, acks: -1, timeout_ms: 1000, topics });
  }
  const fetchFirst = async () => {
    const topics = [
      { topic: 't', partitions: [{ partition: 0, fetch_offset: 0, partition_max_bytes: 1000 }] },
    ];
    const body = encodeFetchRequest({
      max_wait_ms: 0,
      min_bytes: 1,
      max_bytes: 1,
      isolation: 'read_committed',
      topics,
    });
    const request = fetchRequest.read(new Reader(body), 11, false);
    const {
      topics: [answer],
    } = await raw.call<FetchResponse>('Fetch', 1, 11, request);
    return answer!.partitions[0]!.error_code;
  };
  while ((await fetchFirst()) === 0) await new Promise((resolve) => setTimeout(resolve, 5));
  assert.equal(await fetchFirst(), 1, 'OFFSET_OUT_OF_RANGE');
  const asked = { partition: 0, current_leader_epoch: -1, timestamp_ms: -2 };
  const earliest = await raw.call('ListOffsets', 2, 2, {
    replica_id: -1,
    isolation_level: 0,
    topics: [{ name: 't', partitions: [asked] }],
  });
  assert.match(JSON.stringify(earliest), /"offset":1,/);
});
