/** What an embedded broker can be told; `resolveConfig` fills in the defaults, which are Apache Kafka's where it has them. */
export interface BrokerOptions {
  /** 0 picks a free port. */
  port: number;
  data_dir: string;
  /** The address to listen on; loopback unless told otherwise. */
  host?: string;
  /** The address that clients are told to connect to. */
  advertised_host?: string;
  auto_create_topics?: boolean;
  /** Of topics that are created without a number. */
  default_partitions?: number;
  /**
   * What an acknowledgement promises. `normal`: the record survives the end of the process, also by kill -9, but a
   * power loss may take back what was acknowledged since SQLite's last checkpoint. `full`: the record is on disk.
   */
  synchronous?: 'normal' | 'full';
  max_request_bytes?: number;
  max_connections?: number;
  /** Of requests that are not complete yet, over all connections. */
  max_buffered_bytes?: number;
  /** A connection without traffic is closed. */
  idle_timeout_ms?: number;
  /** Caps what one fetch returns, whatever the client asks for. */
  max_fetch_bytes?: number;
  /** How often old records are looked for. */
  retention_interval_ms?: number;
  /** A producer that asks for a longer time-out of its transactions is refused. */
  max_transaction_timeout_ms?: number;
  /** How often transactions that are open for too long are looked for. */
  transaction_check_interval_ms?: number;
  /** After so long without a batch the sequence numbers of a producer are forgotten. */
  producer_id_expiration_ms?: number;
  /** After so long without a transaction a transactional id is forgotten. */
  transactional_id_expiration_ms?: number;
  /** How often compacted topics are looked at. */
  compaction_interval_ms?: number;
  min_session_timeout_ms?: number;
  max_session_timeout_ms?: number;
}

export type BrokerConfig = Required<BrokerOptions>;

export function resolveConfig(options: BrokerOptions): BrokerConfig {
  const host = options.host ?? '127.0.0.1';
  const given = Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
  return {
    host,
    advertised_host: host === '0.0.0.0' || host === '::' ? 'localhost' : host,
    auto_create_topics: true,
    default_partitions: 1,
    synchronous: 'normal',
    max_request_bytes: 100 * 1024 * 1024,
    max_connections: 1000,
    max_buffered_bytes: 512 * 1024 * 1024,
    idle_timeout_ms: 600_000,
    max_fetch_bytes: 55 * 1024 * 1024,
    retention_interval_ms: 300_000,
    max_transaction_timeout_ms: 900_000,
    transaction_check_interval_ms: 1000,
    producer_id_expiration_ms: 86_400_000,
    transactional_id_expiration_ms: 604_800_000,
    compaction_interval_ms: 15_000,
    min_session_timeout_ms: 6000,
    max_session_timeout_ms: 1_800_000,
    ...given,
  } as BrokerConfig;
}
