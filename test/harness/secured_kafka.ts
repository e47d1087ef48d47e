/**
 * Apache Kafka as companies run it: TLS, SASL by four mechanisms, an authorizer that lets nobody do what no rule
 * allows. Its plain-text listener is for who sets things up: everything is allowed there.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { pathToFileURL } from 'node:url';
import { type Certificates, makeCertificates } from './certificates.ts';
import { kafkaJars } from './kafka_jars.ts';
import { freePort, KafkaNode, SMALL } from './kafka_node.ts';
import { TokenIssuer } from './token_issuer.ts';

/** May do everything. */
export const TRUSTED = { username: 'trusted', password: 'tru5ted-secret' };
/** May do what rules allow. */
export const RULED = { username: 'ruled', password: 'ru1ed-secret' };

export interface SecuredKafka {
  /** Of the listener where everything is allowed. */
  plaintext: string;
  ssl: string;
  sasl_ssl: string;
  sasl_plaintext: string;
  certificates: Certificates;
  issuer: TokenIssuer;
  folder: string;
}

/** Undefined if the test is skipped, because there is no Java. Ends with the test. */
export async function securedKafka(t: TestContext): Promise<SecuredKafka | undefined> {
  const jars = kafkaJars();
  if ('missing' in jars) {
    if (process.env.CI === 'true') throw new Error(jars.missing);
    t.skip(jars.missing);
    return undefined;
  }
  const folder = mkdtempSync(join(tmpdir(), 'errata-secured-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const certificates = makeCertificates(folder, TRUSTED.username);
  const issuer = new TokenIssuer();
  const key_set = join(folder, 'jwks.json');
  issuer.writeKeySet(key_set);
  const ports = await Promise.all(Array.from({ length: 5 }, freePort));
  const key_set_url = pathToFileURL(key_set).href;
  const node = new KafkaNode({
    folder,
    jars: jars.folder,
    heap_mb: 384,
    properties: properties(ports, certificates, key_set_url),
    format_options: [TRUSTED, RULED].flatMap(scramUsers),
    system_properties: { 'org.apache.kafka.sasl.oauthbearer.allowed.urls': key_set_url },
  });
  t.after(() => node.kill());
  node.start();
  const [plaintext, ssl, sasl_ssl, sasl_plaintext] = ports.map((port) => `127.0.0.1:${port}`);
  await node.answers(plaintext!);
  return {
    plaintext: plaintext!,
    ssl: ssl!,
    sasl_ssl: sasl_ssl!,
    sasl_plaintext: sasl_plaintext!,
    certificates,
    issuer,
    folder,
  };
}

/** After so long a client has to authenticate again; kafkajs does 10 s before. */
const REAUTHENTICATION_MS = 11_000;

function properties(ports: number[], { broker_file, ca_file }: Certificates, key_set_url: string) {
  const names = ['PLAINTEXT', 'SSL', 'SASL_SSL', 'SASL_PLAINTEXT', 'CONTROLLER'];
  const passwords = [TRUSTED, RULED].map(({ username, password }) => `user_${username}="${password}"`);
  const modules = 'org.apache.kafka.common.security';
  const scram = `${modules}.scram.ScramLoginModule required;`;
  return {
    ...SMALL,
    'process.roles': 'broker,controller',
    'node.id': 1,
    'controller.quorum.voters': `1@127.0.0.1:${ports[4]}`,
    listeners: names.map((name, index) => `${name}://127.0.0.1:${ports[index]}`).join(','),
    'listener.security.protocol.map': names
      .map((name) => `${name}:${name === 'CONTROLLER' ? 'PLAINTEXT' : name}`)
      .join(','),
    'controller.listener.names': 'CONTROLLER',
    'inter.broker.listener.name': 'PLAINTEXT',
    'auto.create.topics.enable': 'false',
    'ssl.keystore.type': 'PEM',
    'ssl.keystore.location': broker_file,
    'ssl.truststore.type': 'PEM',
    'ssl.truststore.location': ca_file,
    'listener.name.ssl.ssl.client.auth': 'required',
    'listener.name.ssl.ssl.principal.mapping.rules': 'RULE:^CN=([^,]+).*$/$1/',
    'sasl.enabled.mechanisms': 'PLAIN,SCRAM-SHA-256,SCRAM-SHA-512,OAUTHBEARER',
    'listener.name.sasl_ssl.plain.sasl.jaas.config': `${modules}.plain.PlainLoginModule required ${passwords.join(' ')};`,
    'listener.name.sasl_ssl.scram-sha-256.sasl.jaas.config': scram,
    'listener.name.sasl_ssl.scram-sha-512.sasl.jaas.config': scram,
    'listener.name.sasl_ssl.oauthbearer.sasl.jaas.config': `${modules}.oauthbearer.OAuthBearerLoginModule required;`,
    'listener.name.sasl_ssl.oauthbearer.sasl.server.callback.handler.class': `${modules}.oauthbearer.OAuthBearerValidatorCallbackHandler`,
    'listener.name.sasl_ssl.oauthbearer.sasl.oauthbearer.jwks.endpoint.url': key_set_url,
    'listener.name.sasl_ssl.oauthbearer.sasl.oauthbearer.expected.audience': 'kafka',
    'listener.name.sasl_ssl.oauthbearer.connections.max.reauth.ms': REAUTHENTICATION_MS,
    'listener.name.sasl_plaintext.sasl.enabled.mechanisms': 'SCRAM-SHA-256',
    'listener.name.sasl_plaintext.scram-sha-256.sasl.jaas.config': scram,
    'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
    'super.users': `User:ANONYMOUS;User:${TRUSTED.username}`,
    'allow.everyone.if.no.acl.found': 'false',
  };
}

function scramUsers({ username, password }: { username: string; password: string }): string[] {
  return ['SCRAM-SHA-256', 'SCRAM-SHA-512'].flatMap((mechanism) => [
    '--add-scram',
    `${mechanism}=[name=${username},password=${password}]`,
  ]);
}
