// biome-ignore-all lint/suspicious/noTemplateCurlyInString: it is the topology's own syntax
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { KAFKA_DEFAULTS } from '../engine/kafka_settings.ts';
import { kafkaSettingsOf } from './kafka_settings.ts';
import { lint } from './lint.ts';
import { formatProblem } from './problem.ts';
import { lintText, shortly, soundTopology } from './testing.ts';

const withKafka = (...lines: string[]) =>
  soundTopology({ 2: ['kafka:', ...lines.map((line) => `  ${line}`)] });

function settingsOf(text: string, env = {}) {
  const { graph, problems } = lint(text, '/etc/errata/topology.yaml', env);
  assert.deepEqual(problems, []);
  return kafkaSettingsOf(graph!);
}

test('a company connects: TLS by its own authority, SCRAM with a password from a file, time-outs by Java names', () => {
  const text = withKafka(
    'brokers: [kafka-1:9093, kafka-2:9093]',
    'ssl: { ca_file: ca.pem, server_name: kafka.internal }',
    'sasl: { mechanism: scram-sha-512, username: errata, password_file: /run/secrets/kafka }',
    'properties: { client.id: triage, session.timeout.ms: 20000, max.partition.fetch.bytes: 65536 }',
  );
  assert.deepEqual(settingsOf(text), {
    ...KAFKA_DEFAULTS,
    brokers: ['kafka-1:9093', 'kafka-2:9093'],
    client_id: 'triage',
    session_timeout_ms: 20_000,
    max_partition_fetch_bytes: 65_536,
    ssl: { ca_file: '/etc/errata/ca.pem', certificate: null, server_name: 'kafka.internal' },
    sasl: { mechanism: 'scram-sha-512', username: 'errata', password: { file: '/run/secrets/kafka' } },
  });
});

test('a password from the environment stays the text that it is, also where it looks like a number', () => {
  const text = withKafka('ssl: true', 'sasl: { mechanism: plain, username: errata, password: ${PASSWORD} }');
  for (const password of ['0123', 'true', '~', 'a: b']) {
    const { sasl } = settingsOf(text, { PASSWORD: password });
    assert.deepEqual(sasl, { mechanism: 'plain', username: 'errata', password: { text: password } });
  }
});

test('client credentials against an endpoint', () => {
  const endpoint = 'token_endpoint: https://id.example.com/token, client_id: errata, scope: kafka';
  const { sasl } = settingsOf(
    withKafka('ssl: true', `sasl: { mechanism: oauthbearer, ${endpoint}, client_secret_file: secret }`),
  );
  assert.deepEqual(sasl, {
    mechanism: 'oauthbearer',
    token: {
      type: 'endpoint',
      url: 'https://id.example.com/token',
      client_id: 'errata',
      client_secret: { file: '/etc/errata/secret' },
      scope: 'kafka',
    },
  });
});

/** Lines of `kafka` → all that lint says. */
const BROKEN: [lines: string[], said: string[]][] = [
  [['properties: { session.timout.ms: 20000 }'], ['3:17 E_UNKNOWN_KEY → session.timeout.ms']],
  [['properties: { group.id: mine }'], ['3:17 E_UNKNOWN_KEY']],
  [['properties: { transaction.timeout.ms: 60000 }'], ['3:41 E_VALUE']],
  [['properties: { session.timeout.ms: 10s }'], ['3:37 E_VALUE']],
  [['properties: { heartbeat.interval.ms: 20000 }'], ['3:40 E_KAFKA_CONNECTION']],
  [['properties: { fetch.max.bytes: 2000 }'], ['3:34 E_KAFKA_CONNECTION']],
  [['ssl: yes please'], ['3:8 E_VALUE']],
  [['ssl: { ca: ca.pem }'], ['3:10 E_UNKNOWN_KEY']],
  [['ssl: { reject_unauthorized: false }'], ['3:10 E_UNKNOWN_KEY']],
  [['ssl: { cert_file: me.pem }'], ['3:21 E_KAFKA_CONNECTION']],
  [['ssl: { key_file: me.key, cert_file: me.pem, passphrase: hunter2 }'], ['3:59 E_SECRET']],
  [['sasl: { mechanism: SCRAM-SHA-256, username: me, password_file: p }'], ['3:22 E_VALUE → scram-sha-256']],
  [['sasl: { mechanism: scram-sha-256, username: me }'], ['3:9 E_KAFKA_CONNECTION']],
  [['sasl: { mechanism: scram-sha-256, password_file: p }'], ['3:9 E_KAFKA_CONNECTION']],
  [['sasl: { mechanism: scram-sha-256, username: me, password: hunter2 }'], ['3:61 E_SECRET']],
  [['sasl: { mechanism: plain, username: me, password_file: p }'], ['3:22 W_SECRET_UNENCRYPTED']],
  [
    ['ssl: true', 'sasl: { mechanism: oauthbearer, username: me, token_file: t }'],
    ['4:45 E_KAFKA_CONNECTION'],
  ],
  [['ssl: true', 'sasl: { mechanism: oauthbearer }'], ['4:9 E_KAFKA_CONNECTION']],
  [
    [
      'ssl: true',
      'sasl: { mechanism: oauthbearer, token_endpoint: "http://id.example.com/", client_id: me, client_secret_file: s }',
    ],
    ['4:51 E_VALUE'],
  ],
];

test('every mistake in the connection is reported at its place', () => {
  for (const [lines, said] of BROKEN)
    assert.deepEqual(lintText(withKafka(...lines)).map(shortly), said, lines.join('\n'));
});

test('no report repeats a secret', () => {
  const text = withKafka(
    'ssl: { passphrase: [hunter2] }',
    'sasl: { mechanism: plain, password: { is: hunter2 } }',
  );
  const said = lintText(text).map(formatProblem).join('\n');
  assert.match(said, /E_VALUE/);
  assert.doesNotMatch(said, /hunter2/);
});
