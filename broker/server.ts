/** The broker in this thread: opens the data, listens, applies retention, and closes it all again. */
import { randomUUID } from 'node:crypto';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { listenError } from '../messages/listen_error.ts';
import type { BrokerState } from './api.ts';
import { type BrokerConfig, type BrokerOptions, resolveConfig } from './broker_config.ts';
import { type BufferBudget, Connection } from './connection.ts';
import { GroupCoordinator } from './groups/group_coordinator.ts';
import { Offsets } from './groups/offsets.ts';
import { Cleaner } from './log/cleaner.ts';
import { Database } from './log/database.ts';
import { PartitionLog } from './log/partition_log.ts';
import { ProducerIds } from './log/producer_ids.ts';
import { ProducerStates } from './log/producer_states.ts';
import { applyRetention } from './log/retention.ts';
import { Topics } from './log/topics.ts';
import { TransactionCoordinator } from './transactions/transaction_coordinator.ts';

export interface BrokerServer {
  readonly port: number;
  readonly state: BrokerState;
  /** Closes connections, commits what is open and closes the file. */
  stop(): Promise<void>;
}

/** Throws ErrataError E_PORT_IN_USE, E_DATA_DIR_IN_USE, E_DATA_DIR_VERSION, E_DATA_DIR or E_LISTEN. */
export async function startServer(
  options: BrokerOptions,
  report: (thrown: unknown) => void = () => {},
): Promise<BrokerServer> {
  const config = resolveConfig(options);
  const db = new Database(config.data_dir, config.synchronous);
  const server = createServer({ noDelay: true });
  try {
    await listen(server, config);
  } catch (thrown) {
    db.close();
    throw thrown;
  }
  const { port } = server.address() as AddressInfo;
  const state = openState(db, config, port, report);
  const connections = serve(server, state);
  const cleaner = new Cleaner(db, state.topics);
  const rounds = startRounds(state, cleaner);
  const stop = async () => {
    for (const round of rounds) clearInterval(round);
    cleaner.stop();
    state.groups.close();
    const closed = new Promise((resolve) => server.close(resolve));
    for (const connection of connections) connection.close();
    await closed;
    db.close();
  };
  return { port, state, stop };
}

function openState(
  db: Database,
  config: BrokerConfig,
  port: number,
  report: BrokerState['report'],
): BrokerState {
  const topics = new Topics(db);
  const producers = new ProducerStates(db, topics);
  const log = new PartitionLog(db, producers);
  const offsets = new Offsets(db);
  const producer_ids = new ProducerIds(db);
  const max_timeout_ms = config.max_transaction_timeout_ms;
  return {
    config,
    port,
    report,
    cluster_id: clusterId(db),
    topics,
    log,
    groups: new GroupCoordinator(config, offsets),
    producer_ids,
    producers,
    transactions: new TransactionCoordinator({ db, topics, log, offsets, producer_ids, max_timeout_ms }),
  };
}

/** What the broker does by itself from time to time. */
function startRounds(state: BrokerState, cleaner: Cleaner): NodeJS.Timeout[] {
  const { config, topics, log, transactions, producers, report } = state;
  const every = (interval_ms: number, round: () => Promise<unknown>) =>
    setInterval(() => void round().catch(report), interval_ms);
  return [
    every(config.retention_interval_ms, async () => {
      const now_ms = Date.now();
      await applyRetention(topics, log, now_ms);
      await producers.expire(now_ms - config.producer_id_expiration_ms);
      await transactions.expire(now_ms - config.transactional_id_expiration_ms);
    }),
    every(config.compaction_interval_ms, () => cleaner.round(Date.now())),
    every(config.transaction_check_interval_ms, () => transactions.abortTimedOut(Date.now())),
  ];
}

function serve(server: Server, state: BrokerState): Set<Connection> {
  const connections = new Set<Connection>();
  const budget: BufferBudget = { used_bytes: 0, max_bytes: state.config.max_buffered_bytes };
  server.maxConnections = state.config.max_connections;
  server.on('connection', (socket) => {
    const connection = new Connection(socket, state, budget);
    connections.add(connection);
    socket.once('close', () => connections.delete(connection));
  });
  return connections;
}

function listen(server: Server, { port, host }: BrokerConfig): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) =>
      reject(listenError(error, host, port, '--kafka-port')),
    );
    server.listen({ port, host, exclusive: true }, () => {
      server.removeAllListeners('error');
      resolve();
    });
  });
}

/** Made once and kept with the data. */
function clusterId(db: Database): string {
  const insert = db.prepare(`INSERT OR IGNORE INTO meta VALUES ('cluster_id', ?)`);
  insert.run(randomUUID().replaceAll('-', '').slice(0, 22));
  return db.prepare(`SELECT value FROM meta WHERE name = 'cluster_id'`).get()!.value as string;
}
