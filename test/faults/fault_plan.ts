/** Which faults a round injects, when and how hard: a function of a seed, so that a run can be told again. */
import type { Guarantee } from '../../engine/plan.ts';
import { randomStream } from '../../training/random.ts';

/** How often a kind is drawn, against the others. A restart of the broker takes long; a zombie its session time-out. */
const WEIGHTS = {
  kill_process: 4,
  kill_at_commit: 3,
  end_thread: 4,
  zombie: 3,
  restart_broker: 1,
  cut_connections: 4,
  slow_connections: 2,
  stalled_connections: 2,
  rebalance: 3,
  commit_lost: 4,
  commit_answer_lost: 4,
  request_lost: 3,
  answer_lost: 3,
} as const;

export type FaultKind = keyof typeof WEIGHTS;
export const FAULT_KINDS = Object.keys(WEIGHTS) as FaultKind[];

export interface Fault {
  kind: FaultKind;
  /** Which process, and of that which thread, modulo how many there are. */
  process: number;
  thread: number;
  /** Kafka's number of the request that is lost or whose answer is, where any may be. */
  api_key: number;
  /** The load goes on for so long before the fault, */
  wait_ms: number;
  /** and so long it lasts, where it lasts. */
  lasts_ms: number;
}

/**
 * Produce, Fetch, JoinGroup, Heartbeat, SyncGroup, InitProducerId, AddPartitionsToTxn, TxnOffsetCommit, OffsetFetch. EndTxn
 * has kinds of its own.
 */
const API_KEYS = [0, 1, 11, 12, 14, 22, 24, 28, 9];

export interface PlanOptions {
  seed: number;
  round: number;
  cycles: number;
  kinds: readonly FaultKind[];
  processes: number;
  session_timeout_ms: number;
}

export function planFaults({ seed, round, cycles, kinds, ...limits }: PlanOptions): Fault[] {
  const random = randomStream('faults', seed, round);
  const lot = kinds.flatMap((kind) => Array<FaultKind>(WEIGHTS[kind]).fill(kind));
  return Array.from({ length: cycles }, () => {
    const kind = lot[Math.floor(random() * lot.length)]!;
    return {
      kind,
      process: Math.floor(random() * limits.processes),
      thread: Math.floor(random() * 16),
      api_key: API_KEYS[Math.floor(random() * API_KEYS.length)]!,
      wait_ms: Math.floor(random() * 1_000),
      lasts_ms: lastsMs(kind, random(), limits.session_timeout_ms),
    };
  });
}

function lastsMs(kind: FaultKind, share: number, session_timeout_ms: number): number {
  switch (kind) {
    // Others must have taken over when it goes on.
    case 'zombie':
    case 'stalled_connections':
      return session_timeout_ms + 500 + Math.floor(share * 1_500);
    case 'slow_connections':
      return 500 + Math.floor(share * 1_500);
    default:
      return Math.floor(share * 1_000);
  }
}

/**
 * Without fencing a zombie writes to the changelog beside the one who has its tasks now, and what is restored from it later may be
 * short: at least once promises nothing there.
 */
export function sensibleKinds(guarantee: Guarantee): FaultKind[] {
  return guarantee === 'exactly_once' ? FAULT_KINDS : FAULT_KINDS.filter((kind) => kind !== 'zombie');
}
