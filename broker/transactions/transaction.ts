/** What the coordinator knows of one transactional id. */
import type { Partition } from '../log/topics.ts';

/** `committed` and `aborted`: how the last transaction ended, so that a repeated request to end it gets the same answer. */
export type TransactionState = 'empty' | 'ongoing' | 'committed' | 'aborted';

export const NO_EPOCH = -1;
/** Epochs have 16 bits; after the last the id gets another producer id. The highest one is kept for the final fencing. */
const LAST_EPOCH = 0x7ffe;

export interface Transaction {
  readonly transactional_id: string;
  producer_id: number;
  producer_epoch: number;
  /** The epoch that the present producer had before: it may repeat the request that brought it the new one (KIP-360). */
  last_epoch: number;
  timeout_ms: number;
  state: TransactionState;
  started_ms: number;
  /** Where the ongoing transaction may write. */
  readonly partitions: Set<Partition>;
  /** The groups whose offsets it may commit. */
  readonly groups: Set<string>;
}

export function newTransaction(transactional_id: string, producer_id: number): Transaction {
  return {
    transactional_id,
    producer_id,
    producer_epoch: NO_EPOCH,
    last_epoch: NO_EPOCH,
    timeout_ms: 0,
    state: 'empty',
    started_ms: 0,
    partitions: new Set(),
    groups: new Set(),
  };
}

export function isEpochExhausted({ producer_epoch }: Transaction): boolean {
  return producer_epoch >= LAST_EPOCH;
}

export function isTimedOut({ state, started_ms, timeout_ms }: Transaction, now_ms: number): boolean {
  return state === 'ongoing' && now_ms - started_ms > timeout_ms;
}
