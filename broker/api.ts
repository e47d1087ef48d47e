/** The contract of one API of Kafka's protocol, and what its handler is given. */
import type { Codec } from '../wire/schema.ts';
import type { BrokerConfig } from './broker_config.ts';
import type { GroupCoordinator } from './groups/group_coordinator.ts';
import type { PartitionLog } from './log/partition_log.ts';
import type { ProducerIds } from './log/producer_ids.ts';
import type { ProducerStates } from './log/producer_states.ts';
import type { Topics } from './log/topics.ts';
import type { TransactionCoordinator } from './transactions/transaction_coordinator.ts';

/** What the broker knows and does, shared by all connections. */
export interface BrokerState {
  readonly config: BrokerConfig;
  readonly cluster_id: string;
  /** Where it listens; differs from the configuration if that asked for any free port. */
  readonly port: number;
  readonly topics: Topics;
  readonly log: PartitionLog;
  readonly groups: GroupCoordinator;
  readonly producer_ids: ProducerIds;
  readonly producers: ProducerStates;
  readonly transactions: TransactionCoordinator;
  /** Told of whatever a request threw. */
  report(thrown: unknown): void;
}

export interface RequestContext {
  readonly broker: BrokerState;
  readonly version: number;
  readonly client_id: string;
  readonly client_host: string;
  /** Aborted when the connection is closed. */
  readonly closed: AbortSignal;
}

/** One API. What is answered with `undefined` gets no response at all (produce with acks=0). */
export interface Api<Request = unknown, Response = unknown> {
  readonly key: number;
  readonly name: string;
  readonly min_version: number;
  readonly max_version: number;
  /** The first version with flexible fields (KIP-482), where that is within the versions served. */
  readonly flexible_from?: number;
  readonly request: Codec<Request>;
  readonly response: Codec<Response>;
  /** An upper estimate of the encoded response, where it may be large. */
  sizeHint?(response: Response): number;
  handle(request: Request, context: RequestContext): Response | undefined | Promise<Response | undefined>;
}

/** Checks an API's types against each other and forgets them, so that all fit into one catalogue. */
export function defineApi<Request, Response>(api: Api<Request, Response>): Api {
  return api as Api;
}

export function isFlexible(api: Api, version: number): boolean {
  return version >= (api.flexible_from ?? Number.MAX_SAFE_INTEGER);
}

/** This node is the only one: leader, controller and coordinator of everything. */
export const NODE_ID = 1;

/** In place of a bit field of authorized operations (KIP-430): not asked, since there are no ACLs here. */
export const NO_OPERATIONS = -2147483648;
