/** `kafka` of a topology: where Kafka is, and how a client gets in. */
import { type Static, Type } from 'typebox';
import { KAFKA_DEFAULTS } from '../engine/kafka_settings.ts';

const Broker = Type.String({
  pattern: '^[^\\s,:]+:\\d{1,5}$',
  examples: ['kafka-1:9092'],
  description: 'host:port',
});

const File = (description: string) => Type.Optional(Type.String({ minLength: 1, description }));
const Text = (description: string) => Type.Optional(Type.String({ minLength: 1, description }));

const Ssl = Type.Object(
  {
    ca_file: File(
      'PEM; who signed the certificates of the brokers. Default: the authorities that Node knows',
    ),
    cert_file: File('PEM; certificate of this client, where the brokers want one'),
    key_file: File('PEM; its private key'),
    passphrase_file: File('holds the passphrase of `key_file`'),
    passphrase: Text('the same, from an environment variable'),
    server_name: Text('the name in the certificates of the brokers, where it is not their host name'),
  },
  { description: 'PEM files, read anew for each connection' },
);

const Sasl = Type.Object({
  mechanism: Type.Union(
    [
      Type.Literal('plain'),
      Type.Literal('scram-sha-256'),
      Type.Literal('scram-sha-512'),
      Type.Literal('oauthbearer'),
    ],
    { description: '`plain` and `oauthbearer` want `ssl` too' },
  ),
  username: Text('of plain and scram'),
  password_file: File('holds the password; read anew for each authentication'),
  password: Text('the same, from an environment variable'),
  token_file: File('of oauthbearer: holds a token that somebody renews; read anew for each authentication'),
  token_endpoint: Type.Optional(
    Type.String({
      pattern: '^(https://|http://(localhost|127\\.0\\.0\\.1|\\[::1\\])[:/])',
      examples: ['https://id.example.com/oauth2/token'],
      description:
        'of oauthbearer: where tokens are got for client credentials; `NODE_EXTRA_CA_CERTS` adds an authority',
    }),
  ),
  client_id: Text('of `token_endpoint`'),
  client_secret_file: File('of `token_endpoint`: holds the secret'),
  client_secret: Text('the same, from an environment variable'),
  scope: Text('of `token_endpoint`'),
});

/** By the names that Kafka's own clients have → the engine's. */
export const PROPERTIES = {
  'session.timeout.ms': 'session_timeout_ms',
  'heartbeat.interval.ms': 'heartbeat_interval_ms',
  'request.timeout.ms': 'request_timeout_ms',
  'socket.connection.setup.timeout.ms': 'connection_timeout_ms',
  'metadata.max.age.ms': 'metadata_max_age_ms',
  'retry.backoff.ms': 'retry_backoff_ms',
  'retry.backoff.max.ms': 'retry_backoff_max_ms',
  'transaction.timeout.ms': 'transaction_timeout_ms',
  'fetch.max.wait.ms': 'fetch_max_wait_ms',
  'fetch.max.bytes': 'fetch_max_bytes',
  'max.partition.fetch.bytes': 'max_partition_fetch_bytes',
} as const;
export type PropertyName = keyof typeof PROPERTIES;

const property = (name: PropertyName, minimum: number, maximum: number, description: string) =>
  Type.Integer({ minimum, maximum, description, default: KAFKA_DEFAULTS[PROPERTIES[name]] });

const MOST_BYTES = 100 * 1024 * 1024;

const Properties = Type.Object(
  {
    'client.id': Type.String({
      minLength: 1,
      default: 'errata',
      description: "for the brokers' quotas and logs",
    }),
    'session.timeout.ms': property(
      'session.timeout.ms',
      1_000,
      1_800_000,
      'how long a worker may be silent before others take over; the brokers have limits of their own',
    ),
    'heartbeat.interval.ms': property(
      'heartbeat.interval.ms',
      100,
      600_000,
      'less than the session time-out',
    ),
    'request.timeout.ms': property('request.timeout.ms', 1_000, 600_000, 'until an answer is given up'),
    'socket.connection.setup.timeout.ms': property(
      'socket.connection.setup.timeout.ms',
      100,
      120_000,
      'until a connection is given up',
    ),
    'metadata.max.age.ms': property(
      'metadata.max.age.ms',
      1_000,
      3_600_000,
      'after which leaders are asked for even if nothing failed',
    ),
    'retry.backoff.ms': property(
      'retry.backoff.ms',
      1,
      60_000,
      'before the first retry; each later one waits longer',
    ),
    'retry.backoff.max.ms': property('retry.backoff.max.ms', 1, 600_000, 'the longest wait before a retry'),
    'transaction.timeout.ms': property(
      'transaction.timeout.ms',
      1_000,
      15_000,
      'an abandoned transaction hides later records from all readers for so long',
    ),
    'fetch.max.wait.ms': property(
      'fetch.max.wait.ms',
      1,
      30_000,
      'how long a broker may wait for records to come',
    ),
    'fetch.max.bytes': property('fetch.max.bytes', 1024, MOST_BYTES, 'per answer'),
    'max.partition.fetch.bytes': property(
      'max.partition.fetch.bytes',
      1024,
      MOST_BYTES,
      'per partition and answer',
    ),
  },
  { default: {} },
);

export const KafkaConnection = Type.Object({
  brokers: Type.Optional(
    Type.Union([Type.Array(Broker, { minItems: 1 }), Type.String({ description: 'host:port,host:port' })], {
      description: 'the environment variable KAFKA_BROKERS comes first',
    }),
  ),
  ssl: Type.Optional(
    Type.Union([Type.Boolean(), Ssl], { description: 'TLS; certificates are always verified' }),
  ),
  sasl: Type.Optional(Sasl),
  properties: Properties,
});
export type KafkaProperties = Static<typeof Properties>;
export type KafkaConnection = Static<typeof KafkaConnection>;
export type KafkaSsl = Static<typeof Ssl>;
export type KafkaSasl = Static<typeof Sasl>;
