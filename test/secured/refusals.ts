/** What somebody is told whom Kafka does not let in: what, where, and what to do about it. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { checkAccess } from '../../engine/kafka_access.ts';
import { KAFKA_DEFAULTS, type KafkaSettings, type SaslSettings } from '../../engine/kafka_settings.ts';
import { temporaryFolder } from '../harness/embedded.ts';
import { type SecuredKafka, TRUSTED } from '../harness/secured_kafka.ts';

export async function refusals(t: TestContext, kafka: SecuredKafka): Promise<void> {
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
