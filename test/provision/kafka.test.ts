/** `errata provision` on Apache Kafka: look, make, look again, and what somebody else has made otherwise. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import kafkajs, { type Admin, Kafka, logLevel } from 'kafkajs';
import { temporaryFolder } from '../harness/embedded.ts';
import { errataCommand } from '../harness/errata_command.ts';
import { ErrataProcess } from '../harness/errata_process.ts';
import { withRealKafka } from '../harness/real_kafka.ts';

/** Topics of its own, on a Kafka that other tests use too. */
function topologyFile(t: TestContext, name: string): string {
  const file = join(temporaryFolder(t), 'topology.yaml');
  const text = `topology: ${name}
namespace: provisioned
partitions: 3
replication: 1
sources:
  predictions: { kafka: { topic: ${name}.predictions } }
  feedback: { kafka: { topic: ${name}.feedback, partitions: 6, retention: 3d } }
actors:
  capture: { from: [predictions, feedback], join: { wait: 1h } }
  stats: { kind: window, from: capture, tumbling: 5m, lateness: 1h, idle: 30s }
  severity: { from: stats, strategies: [threshold] }
sinks:
  alerts: { from: severity, kafka: { topic: ${name}.alerts } }
`;
  writeFileSync(file, text);
  return file;
}

async function adminOf(t: TestContext, brokers: string): Promise<Admin> {
  const admin = new Kafka({ brokers: brokers.split(','), logLevel: logLevel.NOTHING }).admin();
  await admin.connect();
  t.after(() => admin.disconnect());
  return admin;
}

interface Told {
  resource: { name: string };
  standing: { is: string; differences?: { of: string; needed: string; found: string }[] };
}

test('what is missing is shown, then made, and then everything is as needed', async (t) => {
  const brokers = await withRealKafka(t);
  if (brokers === undefined) return;
  const [file, admin, env] = [
    topologyFile(t, 'fresh'),
    await adminOf(t, brokers),
    { KAFKA_BROKERS: brokers },
  ];
  const shown = await errataCommand(['provision', 'plan', file], env);
  assert.equal(shown.status, 0, shown.stderr);
  assert.match(
    shown.stdout,
    /^\+ to make {4}kafka topic fresh\.feedback {2}partitions=6 {2}replication=1 {2}retention\.ms=259200000$/m,
  );
  assert.match(shown.stdout, /^\d+ to make$/m);
  assert.ok(!(await admin.listTopics()).some((name) => name.startsWith('fresh.')), 'a plan makes nothing');

  const made = await errataCommand(['provision', 'apply', file], env);
  assert.equal(made.status, 0, made.stderr);
  assert.match(made.stdout, /^\d+ made$/m);
  const again = await errataCommand(['provision', 'apply', file], env);
  assert.equal(again.status, 0, again.stdout);
  assert.match(again.stdout, /^\d+ as needed$/m);

  const { topics } = await admin.fetchTopicMetadata({ topics: ['fresh.predictions', 'fresh.feedback'] });
  const counts = topics.map(({ name, partitions }) => [name, partitions.length]);
  assert.deepEqual(Object.fromEntries(counts), { 'fresh.predictions': 3, 'fresh.feedback': 6 });
  const errata = new ErrataProcess(t, { files: [file], env });
  await errata.ready();
  assert.equal(await errata.terminate(), 0);
});

test('what differs is told and left as it is; what is missing beside it is made', async (t) => {
  const brokers = await withRealKafka(t);
  if (brokers === undefined) return;
  const [file, admin, env] = [
    topologyFile(t, 'drifted'),
    await adminOf(t, brokers),
    { KAFKA_BROKERS: brokers },
  ];
  const changelog = 'provisioned.drifted.stats.changelog';
  await admin.createTopics({
    topics: [
      { topic: 'drifted.predictions', numPartitions: 5 },
      { topic: 'drifted.feedback', numPartitions: 2 },
      {
        topic: 'drifted.dead-letter',
        numPartitions: 3,
        configEntries: [{ name: 'retention.ms', value: '1000' }],
      },
      { topic: changelog, numPartitions: 1 },
    ],
  });
  const { status, stdout } = await errataCommand(['provision', 'apply', '--json', file], env);
  assert.equal(status, 1);
  const told = JSON.parse(stdout) as Told[];
  const different = told.filter(({ standing }) => standing.is === 'different');
  assert.deepEqual(
    Object.fromEntries(different.map(({ resource, standing }) => [resource.name, standing.differences])),
    {
      'drifted.feedback': [
        { of: 'partitions', needed: '6', found: '2' },
        { of: 'retention.ms', needed: '259200000', found: '604800000' },
      ],
      'drifted.dead-letter': [{ of: 'retention.ms', needed: '-1', found: '1000' }],
      [changelog]: [
        { of: 'partitions', needed: '3', found: '1' },
        { of: 'cleanup.policy', needed: 'compact', found: 'delete' },
      ],
    },
  );
  // The file asks for no number of partitions there.
  assert.equal(
    told.find(({ resource }) => resource.name === 'drifted.predictions')!.standing.is,
    'as_needed',
  );
  assert.ok((await admin.listTopics()).includes('drifted.alerts'));
  const { resources } = await admin.describeConfigs({
    includeSynonyms: false,
    resources: [
      { type: kafkajs.ConfigResourceTypes.TOPIC, name: 'drifted.dead-letter', configNames: ['retention.ms'] },
    ],
  });
  assert.equal(resources[0]!.configEntries[0]!.configValue, '1000');
  const shown = await errataCommand(['provision', 'plan', file], env);
  assert.equal(shown.status, 1);
  assert.match(shown.stdout, /^! differs.*drifted\.feedback\n +partitions: needed 6, found 2$/m);
});

test('a Kafka that is not there, or is not named, is an error with a code', async (t) => {
  const file = topologyFile(t, 'nowhere');
  const unnamed = await errataCommand(['provision', 'plan', file]);
  assert.deepEqual([unnamed.status, unnamed.stdout], [1, '']);
  assert.match(unnamed.stderr, /^E_KAFKA_BROKERS: /);
  const away = await errataCommand(['provision', 'plan', file], { KAFKA_BROKERS: '127.0.0.1:1' });
  assert.equal(away.status, 1);
  assert.match(
    away.stdout,
    /^\? not known {2}kafka topic nowhere\.alerts {2}E_KAFKA_UNREACHABLE: .*127\.0\.0\.1:1/m,
  );
  const unmade = await errataCommand(['provision', 'apply', file], { KAFKA_BROKERS: '127.0.0.1:1' });
  assert.equal(unmade.status, 1);
  assert.match(unmade.stderr, /^E_KAFKA_UNREACHABLE: kafka topic nowhere\.predictions: .*127\.0\.0\.1:1/);
});
