/** What becomes of a task's state when the group is rebalanced, and when its process was stopped meanwhile. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import pino from 'pino';
import { connectKafka, KAFKA_DEFAULTS } from '../../engine/kafka.ts';
import { Membership } from '../../engine/membership.ts';
import type { TaskStatus } from '../../engine/task.ts';
import { startDrillBroker } from '../faults/drill_broker.ts';
import type { Fault } from '../faults/fault_plan.ts';
import { runRound } from '../faults/round.ts';
import { Tidy } from '../faults/tidy.ts';
import { withRealKafka } from '../harness/real_kafka.ts';
import { TopologyRun } from '../harness/topology_run.ts';
import { until } from '../harness/until.ts';

const PREDICTIONS = 400;
const SESSION_TIMEOUT_MS = 2_000;
/** Twice the same process, each time for longer than its session. */
const ZOMBIE: Fault = { kind: 'zombie', process: 0, thread: 0, api_key: 0, wait_ms: 500, lasts_ms: 3_500 };

const prediction = (index: number) => ({
  value: JSON.stringify({
    prediction_id: `p${index}`,
    timestamp: Date.UTC(2026, 0, 5) + index,
    model_version: 'v1',
    deployment_id: 'd',
  }),
});

function captures(run: TopologyRun): TaskStatus[] {
  const tasks = run.processor.status().workers.flatMap((worker) => worker.tasks);
  return tasks.filter(({ task }) => task.startsWith('capture/'));
}

/** Somebody who joins the group, is given tasks, and leaves. */
async function passBy(t: TestContext, run: TopologyRun): Promise<void> {
  const log = pino({ level: 'silent' });
  const settings = { ...KAFKA_DEFAULTS, brokers: [run.brokers], client_id: 'passing-by' };
  const assigned = Promise.withResolvers<void>();
  const { plan } = run.processor;
  const membership = new Membership(
    connectKafka(settings, log),
    settings,
    {
      group_id: plan.group_id,
      stages: plan.stages.map(({ name, inputs }) => ({
        stage: name,
        topics: inputs.map(({ topic }) => topic),
        partitions: plan.partitions[inputs[0]!.topic]!,
      })),
      process_id: 'passing-by',
      process_workers: 1,
      admin: null,
      owned: () => [],
      onAssigned: () => assigned.resolve(),
      onLost: (error) => assigned.reject(error),
    },
    log,
  );
  t.after(() => membership.leave());
  await membership.start();
  await assigned.promise;
  await until(() => captures(run).length < 4, 'somebody else has some of the tasks');
  await membership.leave();
}

test('a task that stays with its worker through a rebalance keeps its state; one that moved restores it (Apache Kafka)', {
  timeout: 60_000,
}, async (t) => {
  const brokers = await withRealKafka(t);
  if (brokers === undefined) return;
  const run = await TopologyRun.prepare(t, { brokers, own_names: true, changes: [[['workers'], 1]] });
  await run.makeSources();
  await run.start();
  await run.produce(
    'predictions',
    Array.from({ length: PREDICTIONS }, (_, index) => prediction(index)),
  );
  await run.ledger('predictions', PREDICTIONS);
  assert.ok(captures(run).every(({ restore }) => restore!.records === 0));

  await passBy(t, run);
  await until(() => captures(run).length === 4 && run.processor.status().not_ready === null, 'all are back');
  const restored = captures(run).filter(({ restore }) => restore!.records > 0);
  assert.ok(restored.length > 0 && restored.length < 4, `${restored.length} of 4 were restored`);
  const pending = captures(run).reduce((sum, { ledger }) => sum + ledger.predictions!.pending!, 0);
  assert.equal(pending, PREDICTIONS, 'either way, all is there');
});

test('a process that was stopped past its session, twice, and continued: nothing lost, nothing twice (Apache Kafka)', {
  timeout: 180_000,
}, async (t) => {
  if ((await withRealKafka(t)) === undefined) return;
  const tidy = new Tidy();
  t.after(() => tidy.run());
  // One of its own, which takes short sessions.
  const broker = await startDrillBroker('real', tidy);
  const { records, windows, cycles, wrong, failure } = await runRound({
    ...{ seed: 11, round: 0, faults: [ZOMBIE, ZOMBIE], broker, processes: 2, bug: null, keep: null },
    guarantee: 'exactly_once',
    // Both share the folder: the zombie holds its stores while the other has its tasks.
    store: 'lmdb',
    session_timeout_ms: SESSION_TIMEOUT_MS,
    say: (line) => t.diagnostic(line),
  });
  t.diagnostic(`${records} records, ${windows} windows`);
  assert.deepEqual({ cycles, wrong, failure }, { cycles: 2, wrong: [], failure: null });
});
