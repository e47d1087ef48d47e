/**
 * A topology on Kafka as companies run it: over TLS with a certificate, over SASL by each mechanism, and what it says
 * where it is not let in.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { pino } from 'pino';
import type { Readiness } from '../../admin/routes/ready.ts';
import { connectKafka, withAdmin } from '../../engine/kafka.ts';
import { checkAccess } from '../../engine/kafka_access.ts';
import { KAFKA_DEFAULTS, type KafkaSettings, type SaslSettings } from '../../engine/kafka_settings.ts';
import type { Assessment } from '../../messages/assessment.ts';
import { temporaryFolder } from '../harness/embedded.ts';
import { ErrataProcess } from '../harness/errata_process.ts';
import { type SecuredKafka, securedKafka, TRUSTED } from '../harness/secured_kafka.ts';
import { TopologyRun } from '../harness/topology_run.ts';
import { until } from '../harness/until.ts';

const FROM_MS = Date.UTC(2024, 2, 1, 6);
const WINDOW_MS = 300_000;
const EVENTS = [5, 7];
const SMALL: [string[], unknown][] = [
  [['workers'], 1],
  [['partitions'], 1],
  [['actors', 'stats', 'idle'], 'never'],
];

test('a topology runs over each way into a secured Kafka, and says why where there is none', {
  concurrency: true,
}, async (t) => {
  const kafka = await securedKafka(t);
  if (!kafka) return;
  const ssl = { ca_file: kafka.certificates.ca_file, certificate: null, server_name: null };
  const over = (sasl: SaslSettings) => ({ brokers: [kafka.sasl_ssl], ssl, sasl });

  const tls = t.test('TLS with a certificate of its own', (inner) => {
    const { passphrase, ...files } = kafka.certificates.client;
    const certificate = { ...files, passphrase: { text: passphrase } };
    return runsExactly(inner, kafka, { brokers: [kafka.ssl], ssl: { ...ssl, certificate } });
  });
  const passwords = (['plain', 'scram-sha-256', 'scram-sha-512'] as const).map((mechanism) =>
    t.test(`SASL ${mechanism}`, (inner) => {
      const file = join(temporaryFolder(inner), 'password');
      writeFileSync(file, `${TRUSTED.password}\n`);
      return runsExactly(inner, kafka, over({ mechanism, username: TRUSTED.username, password: { file } }));
    }),
  );
  const tokens = t.test('SASL oauthbearer, tokens from an endpoint', async (inner) => {
    const { url, given } = await tokenEndpoint(inner, kafka);
    const client = { url, client_id: 'errata', client_secret: { text: 's3cret' }, scope: null };
    const sasl: SaslSettings = { mechanism: 'oauthbearer', token: { type: 'endpoint', ...client } };
    await runsExactly(inner, kafka, over(sasl));
    await staysIn({ ...KAFKA_DEFAULTS, client_id: 'errata', ...over(sasl) }, given);
  });
  const process = t.test('errata run', (inner) => asProcess(inner, kafka));
  await Promise.all([tls, ...passwords, tokens, process]);
  await t.test('refusals', (inner) => refusals(inner, kafka));
});

/** Two windows with known counts and a record that is none: each exactly once. */
async function runsExactly(
  t: TestContext,
  kafka: SecuredKafka,
  access: Partial<KafkaSettings>,
): Promise<void> {
  const run = await TopologyRun.prepare(t, {
    brokers: kafka.plaintext,
    own_names: true,
    changes: SMALL,
    kafka: access,
  });
  await run.start();
  const made = EVENTS.flatMap((count, window) =>
    Array.from({ length: count }, (_, index) => ({
      prediction_id: `p${window}-${index}`,
      timestamp: FROM_MS + window * WINDOW_MS + index,
      model_version: 'v1',
      deployment_id: 'd',
    })),
  );
  await run.produce(
    'predictions',
    made.map((prediction) => ({ value: JSON.stringify(prediction) })),
  );
  const said = { feedback_type: 'explicit', rating: 1 };
  const feedback = made.map(({ prediction_id, timestamp }) => ({ prediction_id, timestamp, ...said }));
  await run.produce('feedback', [
    { value: 'not JSON' },
    ...feedback.map((one) => ({ value: JSON.stringify(one) })),
  ]);
  await run.heartbeat(FROM_MS + 24 * 3_600_000);
  await run.processor.settled();
  const windows = await run.sink<Assessment>('patterns');
  assert.deepEqual(
    windows.map(({ total_events }) => total_events),
    EVENTS,
  );
  assert.equal((await run.read(run.plan.dead_letter_topic)).length, 1);
  await run.stop();
}

/** A session ends with its token; a client that goes on asking is authenticated again before, over its connection. */
async function staysIn(settings: KafkaSettings, given: () => number): Promise<void> {
  await withAdmin(connectKafka(settings, pino({ level: 'silent' }), 0), async (admin) => {
    const before = given();
    await until(async () => (await admin.describeCluster()) && given() >= before + 2, 'two more tokens');
  });
}

async function tokenEndpoint(t: TestContext, { issuer }: SecuredKafka) {
  let given = 0;
  const server = createServer((_, response) => {
    given += 1;
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify({ access_token: issuer.token(TRUSTED.username, 11), expires_in: 11 }));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`, given: () => given };
}

/** As it is started in production: the topology names the connection, the environment has the password. */
async function asProcess(t: TestContext, kafka: SecuredKafka): Promise<void> {
  const file = join(temporaryFolder(t), 'secured.yaml');
  writeFileSync(
    file,
    `topology: secured
kafka:
  brokers: [${kafka.sasl_ssl}]
  ssl: { ca_file: ${kafka.certificates.ca_file} }
  sasl: { mechanism: scram-sha-256, username: ${TRUSTED.username}, password: "\${PASSWORD}" }
sources: { predictions: { kafka: { topic: secured-in } } }
actors: { capture: { from: predictions } }
sinks: { outcomes: { from: capture, kafka: { topic: secured-out } } }
`,
  );
  const started = (password: string) => new ErrataProcess(t, { files: [file], env: { PASSWORD: password } });
  const refused = started('wr0ng-secret');
  const said = await refused.answer<Readiness>('/ready', (body) => JSON.stringify(body).includes('E_KAFKA'));
  assert.match(JSON.stringify(said), /E_KAFKA_AUTH: .* as trusted/);
  const let_in = started(TRUSTED.password);
  await let_in.ready();
  const told = JSON.stringify([said, await let_in.get('/ready'), await let_in.get('/topologies')]);
  for (const text of [told, ...[refused, let_in].flatMap(({ stdout, stderr }) => [stdout, stderr])])
    assert.doesNotMatch(text, /wr0ng-secret|tru5ted-secret/);
  assert.equal(refused.stderr.match(/E_KAFKA_AUTH/g)?.length, 1, 'it is told once, and not tried again');
  await let_in.terminate();
}

async function refusals(t: TestContext, kafka: SecuredKafka): Promise<void> {
  const { certificates, issuer, sasl_ssl } = kafka;
  const folder = temporaryFolder(t);
  const file = (name: string, text: string) => {
    writeFileSync(join(folder, name), text);
    return { type: 'file', file: join(folder, name) } as const;
  };
  const ssl = { ca_file: certificates.ca_file, certificate: null, server_name: null };
  const open = { brokers: [sasl_ssl], client_id: 'errata', ...KAFKA_DEFAULTS };
  const password = (text: string): SaslSettings => {
    return { mechanism: 'scram-sha-512', username: TRUSTED.username, password: { text } };
  };
  const right = { ...open, ssl, sasl: password(TRUSTED.password) };
  const bearer = (token: ReturnType<typeof file>) => ({
    ...right,
    sasl: { mechanism: 'oauthbearer', token } as const,
  });
  await checkAccess(right);

  const REFUSED: [what: string, settings: KafkaSettings, said: RegExp][] = [
    [
      'a wrong password',
      { ...right, sasl: password('wr0ng') },
      /^E_KAFKA_AUTH: .* as trusted: .*invalid credentials/,
    ],
    [
      'a wrong password, plain',
      { ...right, sasl: { ...password('wr0ng'), mechanism: 'plain' } as SaslSettings },
      /^E_KAFKA_AUTH: .* as trusted: .*Invalid username or password/,
    ],
    [
      'no credentials',
      { ...right, sasl: null },
      /^E_KAFKA_AUTH: .*wants clients to authenticate.*set kafka\.sasl/,
    ],
    [
      'SASL where there is none',
      { ...right, brokers: [kafka.plaintext], ssl: null },
      /^E_KAFKA_AUTH: .*right port/,
    ],
    [
      'a mechanism that is off',
      { ...right, brokers: [kafka.sasl_plaintext], ssl: null },
      /^E_KAFKA_AUTH: .*scram-sha-512: the broker does not take this mechanism/,
    ],
    [
      'an expired token',
      bearer(file('expired', issuer.token('trusted', -120))),
      /^E_KAFKA_TOKEN: .*expired at/,
    ],
    [
      'no token',
      bearer({ type: 'file', file: join(folder, 'none') }),
      /^E_KAFKA_FILE: token_file: .*none: ENOENT/,
    ],
    ['a token that is none', bearer(file('text', 'hello-token')), /^E_KAFKA_AUTH: .*credentials are refused/],
    [
      'another authority',
      { ...right, ssl: { ...ssl, ca_file: certificates.other_ca_file } },
      /^E_KAFKA_TLS: .*certificate.*ca_file/,
    ],
    ['no authority', { ...right, ssl: { ...ssl, ca_file: null } }, /^E_KAFKA_TLS: .*certificate.*ca_file/],
    [
      'another name',
      { ...right, ssl: { ...ssl, server_name: 'kafka.example.com' } },
      /^E_KAFKA_TLS: .*kafka\.example\.com.*server_name/,
    ],
    [
      'no certificate of its own',
      { ...right, brokers: [kafka.ssl], sasl: null },
      /^E_KAFKA_TLS: .*cert_file/,
    ],
    ['plain text against TLS', { ...right, ssl: null }, /^E_KAFKA_TLS: .*speaks TLS there.*set kafka\.ssl/],
    [
      'TLS against plain text',
      { ...right, brokers: [kafka.plaintext], sasl: null },
      /^E_KAFKA_TLS: .*does not speak TLS there/,
    ],
    [
      'a CA file that is not there',
      { ...right, ssl: { ...ssl, ca_file: '/no/ca.pem' } },
      /^E_KAFKA_FILE: ca_file: \/no\/ca\.pem: ENOENT/,
    ],
  ];
  for (const [what, settings, said] of REFUSED)
    await t.test(what, async () => {
      const error = await checkAccess(settings).then(
        () => assert.fail('it is let in'),
        (thrown) => thrown,
      );
      assert.match(String(error), said);
      assert.doesNotMatch(JSON.stringify([String(error), error.stack, error.cause]), /wr0ng|hello-token|eyJ/);
    });
}
