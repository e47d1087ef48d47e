/** `errata provision` on Google's own Pub/Sub fake and a BigQuery emulator, for the published tables and `feedback-sub`. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { type TableField, typeOf } from '../../connectors/bigquery/table_field.ts';
import { type BigQueryEmulator, bigQueryEmulator, PROJECT } from '../harness/bigquery_emulator.ts';
import { temporaryFolder } from '../harness/embedded.ts';
import { errataCommand } from '../harness/errata_command.ts';
import { freePort } from '../harness/kafka_node.ts';
import { withPubsubFake } from '../harness/pubsub_fake.ts';
import { withRealKafka } from '../harness/real_kafka.ts';

function topologyFile(t: TestContext, provision: string): string {
  const file = join(temporaryFolder(t), 'topology.yaml');
  const text = `topology: cloud
sources:
  feedback:
    pubsub: { subscription: feedback-sub, project: ${PROJECT}, key: ordering_key${provision} }
    topic: cloud.feedback
actors:
  capture: { from: feedback, join: none }
  stats: { kind: window, from: capture, tumbling: 5m, lateness: 1h, idle: 30s }
  severity: { from: stats, strategies: [threshold] }
sinks:
  alerts: { from: severity, pubsub: { topic: mail-alerts, project: ${PROJECT} } }
  patterns: { from: severity.assessments, bigquery: { table: feedback_analysis.patterns, project: ${PROJECT} } }
  rows: { from: feedback, bigquery: { table: app.user_feedback, project: ${PROJECT} } }
`;
  writeFileSync(file, text);
  return file;
}

const PROVISION = `, provision: { topic: feedback, exactly_once: true, dead_letter: { topic: graveyard, max_attempts: 7 } }`;

interface Told {
  resource: { type: string; name: string };
  standing: { is: string; differences?: { of: string; needed: string; found: string }[] };
}

test('topics, subscriptions, data sets and tables are made once, and what differs is told', async (t) => {
  const brokers = await withRealKafka(t);
  const pubsub = brokers === undefined ? undefined : await withPubsubFake(t);
  const emulator = pubsub === undefined ? undefined : await bigQueryEmulator(t);
  if (brokers === undefined || pubsub === undefined || emulator === undefined) return;
  const env = { KAFKA_BROKERS: brokers, ...pubsub.env, ...emulator.env };
  const provision = async (command: 'plan' | 'apply', file: string) => {
    const { status, stdout, stderr } = await errataCommand(['provision', command, '--json', file], env);
    const told = stderr === '' || stdout !== '' ? (JSON.parse(stdout) as Told[]) : [];
    const google = told.filter(({ resource }) => resource.type !== 'kafka_topic');
    const standings = google.map(({ resource, standing }) => [resource.name, standing.is]);
    return { status, stderr, google, standings };
  };

  const unknown = await provision('apply', topologyFile(t, ''));
  assert.equal(unknown.status, 1);
  assert.match(unknown.stderr, /^E_PROVISION: pubsub subscription feedback-sub: it is missing.*provision/m);

  const file = topologyFile(t, PROVISION);
  const names = [
    'feedback',
    'graveyard',
    'feedback-sub',
    'mail-alerts',
    'feedback_analysis',
    'patterns',
    'app',
    'user_feedback',
  ];
  const made = await provision('apply', file);
  assert.equal(made.status, 0, made.stderr);
  assert.deepEqual(
    made.standings,
    names.map((name) => [name, 'made']),
  );
  const again = await provision('apply', file);
  assert.equal(again.status, 0, JSON.stringify(again.google));
  assert.deepEqual(
    again.standings,
    names.map((name) => [name, 'as_needed']),
  );
  // Nobody has said how it is to be, so it will do as it is.
  assert.equal((await provision('plan', topologyFile(t, ''))).status, 0);

  const [subscription] = await pubsub
    .client()
    .subscription(`projects/${PROJECT}/subscriptions/feedback-sub`)
    .getMetadata();
  assert.equal(subscription.enableMessageOrdering, true);
  assert.equal(subscription.enableExactlyOnceDelivery, true);
  assert.equal(subscription.deadLetterPolicy!.maxDeliveryAttempts, 7);
  assert.deepEqual(await columnsOf(emulator, 'feedback_analysis', 'patterns'), [
    'window_start TIMESTAMP NULLABLE',
    'window_end TIMESTAMP NULLABLE',
    'total_events INT64 NULLABLE',
    'error_rate FLOAT64 NULLABLE',
    'patterns STRING NULLABLE',
    'severity STRING NULLABLE',
    'recommended_action STRING NULLABLE',
  ]);
  assert.deepEqual(await columnsOf(emulator, 'app', 'user_feedback'), [
    'session_id STRING NULLABLE',
    'prediction_id STRING NULLABLE',
    'feedback_type STRING NULLABLE',
    'rating FLOAT64 NULLABLE',
    'comment STRING NULLABLE',
    'user_action STRING NULLABLE',
    'time_to_action FLOAT64 NULLABLE',
    'timestamp TIMESTAMP NULLABLE',
  ]);

  await emulator.client.dataset('app').table('user_feedback').delete();
  await emulator.client.dataset('app').createTable('user_feedback', {
    schema: [
      { name: 'session_id', type: 'STRING' },
      { name: 'prediction_id', type: 'INTEGER' },
    ],
  });
  const drifted = await provision(
    'apply',
    topologyFile(t, PROVISION.replace('max_attempts: 7', 'max_attempts: 9')),
  );
  assert.equal(drifted.status, 1);
  const differences = Object.fromEntries(
    drifted.google
      .filter(({ standing }) => standing.is === 'different')
      .map(({ resource, standing }) => [resource.name, standing.differences!]),
  );
  assert.deepEqual(differences['feedback-sub'], [{ of: 'dead letter attempts', needed: '9', found: '7' }]);
  assert.deepEqual(differences.user_feedback!.slice(0, 2), [
    { of: 'column prediction_id', needed: 'STRING', found: 'INT64' },
    { of: 'column feedback_type', needed: 'STRING', found: 'none' },
  ]);
});

/** In order: name, type and mode. */
async function columnsOf(emulator: BigQueryEmulator, dataset: string, table: string): Promise<string[]> {
  const [metadata] = await emulator.client.dataset(dataset).table(table).getMetadata();
  const { fields } = (metadata as { schema: { fields: TableField[] } }).schema;
  return fields.map((field) => `${field.name} ${typeOf(field)} ${field.mode}`);
}

const MAPPED = (input: string) => `topology: mapped
sources:
  predictions: { kafka: { topic: predictions } }
sinks:
  rows:
    from: predictions
    bigquery:
      table: mapped.predictions
      project: ${PROJECT}
      location: EU
      mapping: { id: prediction_id, mean: input_stats.mean, at: timestamp, place: $offset, stats: input_stats, input: ${input} }
  others:
    from: predictions
    bigquery: { table: mapped.others, project: ${PROJECT}, mapping: { id: prediction_id } }
`;

test('a mapped table is made with the types that its fields have or the topology says, in the place it says', async (t) => {
  const brokers = await withRealKafka(t);
  const emulator = brokers === undefined ? undefined : await bigQueryEmulator(t);
  if (brokers === undefined || emulator === undefined) return;
  const env = { KAFKA_BROKERS: brokers, ...emulator.env };
  const file = join(temporaryFolder(t), 'topology.yaml');
  const provision = (command: 'plan' | 'apply', input: string) => {
    writeFileSync(file, MAPPED(input));
    return errataCommand(['provision', command, file], env);
  };

  // What the model was given may be anything.
  const planned = await provision('plan', 'input');
  assert.equal(planned.status, 1);
  assert.match(planned.stdout, /\+ to make {4}bigquery dataset mapped .*location=EU/);
  assert.match(
    planned.stdout,
    /! by hand {4}bigquery table mapped\.predictions {2}nothing says of which type input is: .*`input: \{ from: …, type: … \}`/,
  );
  assert.match(planned.stdout, /1 to make by hand/);
  const refused = await provision('apply', 'input');
  assert.equal(refused.status, 1);
  assert.match(
    refused.stderr,
    /^E_PROVISION: bigquery table mapped\.predictions: it is missing, and nothing says/m,
  );

  const typed = '{ from: input, type: JSON }';
  const made = await provision('apply', typed);
  assert.equal(made.status, 0, made.stderr);
  const [metadata] = await emulator.client.dataset('mapped').table('predictions').getMetadata();
  const { schema } = metadata as { schema: { fields: { name: string; type: string }[] } };
  assert.deepEqual(
    Object.fromEntries(schema.fields.map(({ name, type }) => [name, typeOf({ name, type })])),
    {
      id: 'STRING',
      mean: 'FLOAT64',
      at: 'TIMESTAMP',
      place: 'INT64',
      stats: 'JSON',
      input: 'JSON',
    },
  );
  const again = await provision('apply', typed);
  assert.equal(again.status, 0, again.stdout);

  // A column whose type nobody has said may be another; one that was said may not.
  await emulator.client.dataset('mapped').table('predictions').delete();
  const fields = schema.fields.map((field) => ({
    ...field,
    type: field.name === 'mean' ? 'NUMERIC' : field.name === 'input' ? 'STRING' : field.type,
  }));
  await emulator.client.dataset('mapped').createTable('predictions', { schema: { fields } });
  const drifted = await provision('plan', typed);
  assert.equal(drifted.status, 1);
  assert.match(drifted.stdout, /column input: needed JSON, found STRING/);
  assert.doesNotMatch(drifted.stdout, /column mean/);
  const moved = await errataCommand(['provision', 'plan', placed(t, 'EU', 'US')], env);
  assert.match(moved.stderr, /^E_PROVISION: data set mapped cannot be in EU and in US/m);
});

function placed(t: TestContext, ...locations: string[]): string {
  const file = join(temporaryFolder(t), 'placed.yaml');
  const sinks = locations.map(
    (location, index) =>
      `  s${index}: { from: feedback, bigquery: { table: mapped.t${index}, location: ${location} } }\n`,
  );
  const sources = 'sources:\n  feedback: { kafka: { topic: feedback } }\n';
  writeFileSync(file, `topology: placed\n${sources}sinks:\n${sinks.join('')}`);
  return file;
}

test('what is away is told within seconds: what was asked for, where, and what to do', async (t) => {
  const brokers = await withRealKafka(t);
  if (brokers === undefined) return;
  const refused = `127.0.0.1:${await freePort()}`;
  const silent = await silentServer(t);
  const google = { METADATA_SERVER_DETECTION: 'none', KAFKA_BROKERS: brokers };
  const stories = [
    [refused, `connect ECONNREFUSED ${refused}`],
    [silent, 'it does not answer within 10 s'],
  ] as const;
  for (const [address, why] of stories) {
    const begun_ms = Date.now();
    const env = { ...google, PUBSUB_EMULATOR_HOST: address };
    const { status, stderr } = await errataCommand(['provision', 'apply', topologyFile(t, PROVISION)], env);
    assert.equal(status, 1);
    const hint = 'start the emulator, or unset PUBSUB_EMULATOR_HOST';
    const after = 'what stands above is made; run the same command again then';
    assert.equal(
      stderr.slice(stderr.indexOf('E_')),
      `E_PROVISION: pubsub topic feedback: Pub/Sub at ${address} cannot be reached: ${why} (${hint}; ${after})\n`,
    );
    assert.ok(Date.now() - begun_ms < 30_000, `${Date.now() - begun_ms} ms`);
  }
});

test('a plan tells what it knows, and everything that it could not ask for', async (t) => {
  const brokers = await withRealKafka(t);
  if (brokers === undefined) return;
  const [refused, silent] = [`127.0.0.1:${await freePort()}`, await silentServer(t)];
  const env = {
    METADATA_SERVER_DETECTION: 'none',
    KAFKA_BROKERS: brokers,
    PUBSUB_EMULATOR_HOST: silent,
    BIGQUERY_EMULATOR_HOST: `http://${refused}/bigquery/v2`,
  };
  const begun_ms = Date.now();
  const { status, stdout } = await errataCommand(['provision', 'plan', topologyFile(t, PROVISION)], env);
  assert.ok(Date.now() - begun_ms < 30_000, `${Date.now() - begun_ms} ms: who is silent is waited for once`);
  assert.equal(status, 1);
  assert.match(stdout, /^(\+ to make| {2}as needed) +kafka topic cloud\.feedback( |$)/m);
  const why = {
    pubsub: `E_PROVISION: Pub/Sub at ${silent} cannot be reached: it does not answer within 10 s (start`,
    bigquery: `E_PROVISION: BigQuery at http://${refused}/bigquery/v2 cannot be reached: connect ECONNREFUSED ${refused} (start`,
  };
  const unknown = [
    ['pubsub topic feedback', why.pubsub],
    ['pubsub topic graveyard', why.pubsub],
    ['pubsub subscription feedback-sub', why.pubsub],
    ['pubsub topic mail-alerts', why.pubsub],
    ['bigquery dataset feedback_analysis', why.bigquery],
    ['bigquery table feedback_analysis.patterns', why.bigquery],
    ['bigquery dataset app', why.bigquery],
    ['bigquery table app.user_feedback', why.bigquery],
  ] as const;
  for (const [name, reason] of unknown) assert.ok(stdout.includes(`? not known  ${name}  ${reason}`), name);
  assert.match(stdout, /, 8 not known$/m);
});

test('who has no credentials is told so, of each resource, and the plan comes to its end', async () => {
  const nowhere = '/nowhere/key.json';
  const env = {
    ...{ METADATA_SERVER_DETECTION: 'none', GOOGLE_CLOUD_PROJECT: 'mail', PUBSUB_EMULATOR_HOST: '' },
    ...{ GOOGLE_APPLICATION_CREDENTIALS: nowhere, KAFKA_BROKERS: `127.0.0.1:${await freePort()}` },
  };
  const file = 'config/topologies/feedback-pubsub.yaml';
  const { status, stdout, stderr } = await errataCommand(['provision', 'plan', '--json', file], env);
  assert.equal(status, 1);
  assert.doesNotMatch(stderr, /^ +at /m);
  const surveyed = JSON.parse(stdout) as {
    resource: { type: string };
    standing: { is: string; why: string };
  }[];
  const asked = surveyed.filter(({ resource }) => resource.type.startsWith('pubsub'));
  assert.equal(asked.length, 5);
  for (const { standing } of asked) {
    assert.equal(standing.is, 'unknown');
    assert.match(standing.why, /^E_PROVISION: Pub\/Sub \(pubsub\.googleapis\.com\): .*\/nowhere\/key\.json/);
  }
});

/** It takes connections, and says nothing. */
async function silentServer(t: TestContext): Promise<string> {
  const server = createServer((socket) => socket.on('error', () => undefined).resume());
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}
