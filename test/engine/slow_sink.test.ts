/** A sink that takes nothing stops the tasks that write to it, and nothing else; they go on by themselves. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Admin } from 'kafkajs';
import { splitTaskId } from '../../engine/assignment.ts';
import type { Assessment } from '../../messages/assessment.ts';
import { withRealKafka } from '../harness/real_kafka.ts';
import { TopologyRun } from '../harness/topology_run.ts';
import { until } from '../harness/until.ts';

const FROM_MS = Date.UTC(2024, 2, 1, 6);
const WINDOW_MS = 300_000;
const EVENTS = 20;
const BACKLOG = 5_000;

/** Feedback in one window, and time behind it. */
async function feed(run: TopologyRun, window: number, events: number): Promise<void> {
  const start_ms = FROM_MS + window * WINDOW_MS;
  const feedback = Array.from({ length: events }, (_, index) => ({
    value: JSON.stringify({
      prediction_id: `${window}-${index}`,
      timestamp: start_ms + index,
      deployment_id: 'd',
      model_version: 'v',
      feedback_type: 'explicit',
      rating: 1,
    }),
  }));
  await run.produce('feedback', feedback);
  await run.heartbeat(start_ms + 2 * WINDOW_MS);
}

async function told(run: TopologyRun): Promise<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const { window_start, total_events } of await run.sink<Assessment>('patterns'))
    counts[(Date.parse(window_start) - FROM_MS) / WINDOW_MS] = total_events;
  return counts;
}

async function withAdmin(run: TopologyRun, act: (admin: Admin) => Promise<unknown>): Promise<void> {
  const admin = run.kafka.admin();
  await admin.connect();
  await act(admin);
  await admin.disconnect();
}

test('a sink whose topic is gone stops the stage before it; the stages before that, and other topologies, go on', {
  timeout: 90_000,
}, async (t) => {
  const brokers = await withRealKafka(t);
  if (brokers === undefined) return;
  const options = { brokers, own_names: true };
  const [run, other] = [await TopologyRun.prepare(t, options), await TopologyRun.prepare(t, options)];
  await Promise.all([run.start(), other.start()]);
  await feed(run, 0, EVENTS);
  await until(async () => (await told(run))[0] === EVENTS, 'the first window is told');

  const topic = run.topic('patterns');
  const numPartitions = run.processor.plan.partitions[topic]!;
  await withAdmin(run, (admin) => admin.deleteTopics({ topics: [topic] }));
  await feed(run, 2, EVENTS);
  const status = () => run.processor.status();
  const names_it = () => status().not_ready?.includes('stats/') ?? false;
  await until(names_it, 'it says what waits').catch((cause) => {
    throw new Error(`not ready: ${status().not_ready}`, { cause });
  });
  t.diagnostic(`it says: ${status().not_ready}`);
  await feed(run, 4, BACKLOG);
  await feed(other, 0, EVENTS);
  // Everything is taken in and joined meanwhile; what has no way out waits in the log.
  await run.ledger('feedback', 2 * EVENTS + BACKLOG);
  await until(async () => (await told(other))[0] === EVENTS, 'the other topology tells its window');
  assert.equal(other.processor.status().not_ready, null);
  const tasks = status().workers.flatMap((worker) => worker.tasks);
  const waiting = tasks.filter(({ phase }) => phase === 'waiting').map(({ task }) => splitTaskId(task).stage);
  assert.deepEqual([...new Set(waiting)], ['stats']);

  await withAdmin(run, (admin) => admin.createTopics({ topics: [{ topic, numPartitions }] }));
  await until(async () => (await told(run))[4] === BACKLOG, 'it goes on by itself');
  // What was told before went with the topic.
  assert.deepEqual(await told(run), { 2: EVENTS, 4: BACKLOG });
  await until(() => status().not_ready === null, 'it is ready again');
});
