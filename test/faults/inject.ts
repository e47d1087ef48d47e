/** Does to a running topology what a plan of faults says. Resolves when the fault is over, not when its effects are. */
import { setTimeout as delay } from 'node:timers/promises';
import pino from 'pino';
import { connectKafka, KAFKA_DEFAULTS } from '../../engine/kafka.ts';
import { Membership, type StageTopics } from '../../engine/membership.ts';
import type { Guarantee, Plan } from '../../engine/plan.ts';
import type { DrillBroker } from './drill_broker.ts';
import { PARTITIONS } from './drill_input.ts';
import type { DrillProcess } from './drill_process.ts';
import type { Fault } from './fault_plan.ts';
import type { CutPoint, KafkaProxy } from './kafka_proxy.ts';

export interface Victims {
  broker: DrillBroker;
  processes: readonly DrillProcess[];
  plan: Plan;
}

/** What ends a commit: EndTxn of a transaction, OffsetCommit without one. */
const COMMIT_KEYS: Record<Guarantee, number> = { exactly_once: 26, at_least_once: 8 };
/** A process whose tasks wait may not commit for long. */
const COMMIT_WITHIN_MS = 10_000;
const REQUEST_WITHIN_MS = 1_500;
/** JoinGroup, SyncGroup, InitProducerId, OffsetFetch. */
const PASS_WHEN_TASKS_BEGIN = new Set([11, 14, 22, 9]);
const BEGUN_WITHIN_MS = 15_000;
const STALLING_MS = 300;

/** Why there was no fault; null where there was one. */
export async function inject(fault: Fault, { broker, processes, plan }: Victims): Promise<string | null> {
  const victim = processes[fault.process % processes.length]!;
  const { proxy } = victim;
  const lasts = () => delay(fault.lasts_ms);
  switch (fault.kind) {
    case 'kill_process':
      await killAndStart(victim, lasts);
      return null;
    case 'kill_at_commit': {
      // The broker has ended a commit, and the process is gone before it hears of it.
      const remark = await cutAt(proxy, COMMIT_KEYS[plan.guarantee], 'answer', COMMIT_WITHIN_MS);
      if (remark === null) await killAndStart(victim, lasts);
      return remark;
    }
    case 'end_thread':
      victim.endThread(fault.thread);
      return null;
    case 'zombie':
      victim.freeze();
      await lasts();
      victim.thaw();
      return null;
    case 'restart_broker': {
      const killed = await broker.kill(fault.thread);
      await lasts();
      await killed.again();
      return null;
    }
    case 'cut_connections':
      proxy.is_refusing = true;
      proxy.cut();
      await lasts();
      proxy.is_refusing = false;
      return null;
    case 'slow_connections':
      proxy.delay_ms = 20 + (fault.lasts_ms % 400);
      await lasts();
      proxy.delay_ms = 0;
      return null;
    case 'stalled_connections':
      // What comes through meanwhile waits so long, and all that follows it on its connection; the process goes on.
      proxy.delay_ms = fault.lasts_ms;
      await delay(STALLING_MS);
      proxy.delay_ms = 0;
      await lasts();
      return null;
    case 'rebalance':
      await joinAndLeave(broker, plan, lasts);
      return null;
    case 'commit_lost':
      return await cutAt(proxy, COMMIT_KEYS[plan.guarantee], 'request', COMMIT_WITHIN_MS);
    case 'commit_answer_lost':
      return await cutAt(proxy, COMMIT_KEYS[plan.guarantee], 'answer', COMMIT_WITHIN_MS);
    case 'request_lost':
      return await cutAny(fault, 'request', victim);
    case 'answer_lost':
      return await cutAny(fault, 'answer', victim);
  }
}

async function killAndStart(victim: DrillProcess, lasts: () => Promise<void>): Promise<void> {
  await victim.kill();
  await lasts();
  victim.start();
}

/** What passes only when tasks begin is cut while those of a thread that has ended do. */
async function cutAny(
  { api_key, thread }: Fault,
  point: CutPoint,
  victim: DrillProcess,
): Promise<string | null> {
  if (!PASS_WHEN_TASKS_BEGIN.has(api_key))
    return await cutAt(victim.proxy, api_key, point, REQUEST_WITHIN_MS);
  victim.endThread(thread);
  return await cutAt(victim.proxy, api_key, point, BEGUN_WITHIN_MS);
}

async function cutAt(
  proxy: KafkaProxy,
  api_key: number,
  point: CutPoint,
  within_ms: number,
): Promise<string | null> {
  return (await proxy.cutAt(api_key, point, within_ms)) ? null : `no request ${api_key} passed`;
}

/** A member that is given tasks and leaves without having done anything. */
async function joinAndLeave(broker: DrillBroker, plan: Plan, lasts: () => Promise<void>): Promise<void> {
  const log = pino({ level: 'silent' });
  const settings = { ...KAFKA_DEFAULTS, brokers: [...broker.addresses], client_id: 'errata-drill' };
  const assigned = Promise.withResolvers<void>();
  const membership = new Membership(
    connectKafka(settings, log),
    settings,
    {
      group_id: plan.group_id,
      stages: plan.stages.map(
        ({ name, inputs }): StageTopics => ({
          stage: name,
          topics: inputs.map(({ topic }) => topic),
          partitions: PARTITIONS,
        }),
      ),
      process_id: 'passing-by',
      process_workers: 1,
      admin: null,
      owned: () => [],
      onAssigned: () => assigned.resolve(),
      onLost: (error) => assigned.reject(error),
    },
    log,
  );
  try {
    await membership.start();
    await assigned.promise;
    await lasts();
  } finally {
    await membership.leave();
  }
}
