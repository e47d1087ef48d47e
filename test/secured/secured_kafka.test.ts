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
import { KAFKA_DEFAULTS, type KafkaSettings, type SaslSettings } from '../../engine/kafka_settings.ts';
import { temporaryFolder } from '../harness/embedded.ts';
import { ErrataProcess } from '../harness/errata_process.ts';
import { type SecuredKafka, securedKafka, TRUSTED } from '../harness/secured_kafka.ts';
import { until } from '../harness/until.ts';
import { refusals } from './refusals.ts';
import { rights } from './rights.ts';
import { runsExactly } from './small_topology.ts';

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
    const { url, given, giveFor } = await tokenEndpoint(inner, kafka);
    const client = { url, client_id: 'errata', client_secret: { text: 's3cret' }, scope: null };
    const sasl: SaslSettings = { mechanism: 'oauthbearer', token: { type: 'endpoint', ...client } };
    await runsExactly(inner, kafka, over(sasl));
    giveFor(11);
    await staysIn({ ...KAFKA_DEFAULTS, client_id: 'errata', ...over(sasl) }, given);
  });
  const process = t.test('errata run', (inner) => asProcess(inner, kafka));
  const allowed = t.test('rights', (inner) => rights(inner, kafka));
  await Promise.all([tls, ...passwords, tokens, process, allowed]);
  await t.test('refusals', (inner) => refusals(inner, kafka));
});

/**
 * A session ends with its token; a client that goes on asking is authenticated again before, over its connection. What it
 * asks meanwhile may be refused, once.
 */
async function staysIn(settings: KafkaSettings, given: () => number): Promise<void> {
  await withAdmin(connectKafka(settings, pino({ level: 'silent' }), 0), async (admin) => {
    const before = given();
    const isIn = () =>
      admin.describeCluster().then(
        () => true,
        () => false,
      );
    await until(async () => (await isIn()) && given() >= before + 2, 'two more tokens');
  });
}

async function tokenEndpoint(t: TestContext, { issuer }: SecuredKafka) {
  let given = 0;
  let lifetime_s = 300;
  const giveFor = (seconds: number) => {
    lifetime_s = seconds;
  };
  const server = createServer((_, response) => {
    given += 1;
    response.setHeader('content-type', 'application/json');
    response.end(
      JSON.stringify({ access_token: issuer.token(TRUSTED.username, lifetime_s), expires_in: lifetime_s }),
    );
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`, given: () => given, giveFor };
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
