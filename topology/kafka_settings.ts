/** From what a topology says about Kafka to what the engine's clients are made with. */
import { dirname, resolve } from 'node:path';
import {
  KAFKA_DEFAULTS,
  type KafkaAccess,
  type KafkaSettings,
  type SaslSettings,
  type SecretSource,
  type SslSettings,
  type TokenSource,
} from '../engine/kafka_settings.ts';
import {
  type KafkaConnection,
  type KafkaProperties,
  type KafkaSasl,
  type KafkaSsl,
  PROPERTIES,
  type PropertyName,
} from './kafka_schema.ts';
import type { Graph } from './lint.ts';

type PathOf = (file: string) => string;

/** Paths are relative to the topology file. */
export function kafkaSettingsOf({ settings, file }: Pick<Graph, 'settings' | 'file'>): KafkaAccess {
  const { brokers, ssl, sasl, properties }: Partial<KafkaConnection> = settings.kafka ?? {};
  const pathOf: PathOf = (path) => resolve(dirname(file), path);
  return {
    ...KAFKA_DEFAULTS,
    ...(properties === undefined ? {} : timings(properties)),
    client_id: properties?.['client.id'] ?? 'errata',
    brokers: typeof brokers === 'string' ? brokers.split(',').map((one) => one.trim()) : (brokers ?? null),
    ssl: ssl ? sslSettings(ssl === true ? {} : ssl, pathOf) : null,
    sasl: sasl ? saslSettings(sasl, pathOf) : null,
  };
}

function timings(properties: KafkaProperties): Partial<KafkaSettings> {
  const names = Object.keys(PROPERTIES) as PropertyName[];
  return Object.fromEntries(names.map((name) => [PROPERTIES[name], properties[name]]));
}

function sslSettings(ssl: KafkaSsl, pathOf: PathOf): SslSettings {
  const { ca_file, cert_file, key_file, passphrase, passphrase_file, server_name } = ssl;
  const has_passphrase = passphrase !== undefined || passphrase_file !== undefined;
  return {
    ca_file: ca_file === undefined ? null : pathOf(ca_file),
    certificate:
      cert_file === undefined || key_file === undefined
        ? null
        : {
            cert_file: pathOf(cert_file),
            key_file: pathOf(key_file),
            passphrase: has_passphrase ? secret(passphrase, passphrase_file, pathOf) : null,
          },
    server_name: server_name ?? null,
  };
}

function saslSettings(sasl: KafkaSasl, pathOf: PathOf): SaslSettings {
  const { mechanism, username = '', password, password_file } = sasl;
  if (mechanism === 'oauthbearer') return { mechanism, token: tokenSource(sasl, pathOf) };
  return { mechanism, username, password: secret(password, password_file, pathOf) };
}

function tokenSource(sasl: KafkaSasl, pathOf: PathOf): TokenSource {
  const { token_file, token_endpoint = '', client_id = '', client_secret, client_secret_file, scope } = sasl;
  if (token_file !== undefined) return { type: 'file', file: pathOf(token_file) };
  return {
    type: 'endpoint',
    url: token_endpoint,
    client_id,
    client_secret: secret(client_secret, client_secret_file, pathOf),
    scope: scope ?? null,
  };
}

function secret(text: string | undefined, file: string | undefined, pathOf: PathOf): SecretSource {
  return file === undefined ? { text: text ?? '' } : { file: pathOf(file) };
}
