/** How Kafka is reached: plain JSON, so that it can be sent to a worker. Files are read where and when they are used. */

export interface KafkaSettings {
  /** `host:port` of some of the brokers. */
  brokers: string[];
  client_id: string;
  /** How long a member may be silent before its tasks are given to others. */
  session_timeout_ms: number;
  heartbeat_interval_ms: number;
  connection_timeout_ms: number;
  request_timeout_ms: number;
  /** After how long leaders and partitions are asked for even if nothing failed. */
  metadata_max_age_ms: number;
  retry_backoff_ms: number;
  retry_backoff_max_ms: number;
  /** An abandoned transaction hides the records that come after it, from everyone, for so long. */
  transaction_timeout_ms: number;
  fetch_max_wait_ms: number;
  /** Per answer. */
  fetch_max_bytes: number;
  /** Per partition and answer. */
  max_partition_fetch_bytes: number;
  /** Null: not encrypted. */
  ssl: SslSettings | null;
  /** Null: not authenticated, or by the certificate alone. */
  sasl: SaslSettings | null;
}

/** Settings whose brokers are not known yet; null: nobody has named any. */
export type KafkaAccess = Omit<KafkaSettings, 'brokers'> & { brokers: string[] | null };

/** What is secret stands in the environment (resolved already) or in a file. */
export type SecretSource = { text: string } | { file: string };

/** Certificates are always verified. Files are PEM, and read for each connection: they may be renewed. */
export interface SslSettings {
  /** Who signs the brokers' certificates; null: the authorities that Node knows. */
  ca_file: string | null;
  /** The client's own certificate, with its key; null: none. */
  certificate: { cert_file: string; key_file: string; passphrase: SecretSource | null } | null;
  /** The name that the brokers' certificates carry, where it is not their host name. */
  server_name: string | null;
}

export type SaslSettings = PasswordSettings | OauthSettings;

export interface PasswordSettings {
  mechanism: 'plain' | 'scram-sha-256' | 'scram-sha-512';
  username: string;
  /** Read for each authentication: it may change. */
  password: SecretSource;
}

export interface OauthSettings {
  mechanism: 'oauthbearer';
  token: TokenSource;
}

export type TokenSource =
  /** A file that somebody else renews; read for each authentication. */
  | { type: 'file'; file: string }
  /** Client credentials (RFC 6749, section 4.4). */
  | {
      type: 'endpoint';
      url: string;
      client_id: string;
      client_secret: SecretSource;
      scope: string | null;
    };

/** Everything but where and who. */
export const KAFKA_DEFAULTS = {
  session_timeout_ms: 10_000,
  heartbeat_interval_ms: 1_000,
  connection_timeout_ms: 10_000,
  request_timeout_ms: 30_000,
  metadata_max_age_ms: 300_000,
  retry_backoff_ms: 100,
  retry_backoff_max_ms: 2_000,
  transaction_timeout_ms: 15_000,
  fetch_max_wait_ms: 250,
  fetch_max_bytes: 16 * 1024 * 1024,
  max_partition_fetch_bytes: 1024 * 1024,
  ssl: null,
  sasl: null,
} satisfies Omit<KafkaSettings, 'brokers' | 'client_id'>;
