/** A worker thread that dies is started again, and others have its tasks long before its session would time out. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import type { Assessment } from '../../messages/assessment.ts';
import { TopologyRun } from '../harness/topology_run.ts';
import { until } from '../harness/until.ts';

const FROM_MS = Date.UTC(2024, 2, 1, 6);
const EVENTS = 50;
/** Far beyond the test's own limit: whoever waits for it fails. */
const SESSION_TIMEOUT_MS = 600_000;

/** One deployment per round, so that its window tells whether the round came through. */
async function round(run: TopologyRun, deployment_id: string): Promise<void> {
  const made = Array.from({ length: EVENTS }, (_, index) => ({
    prediction_id: `${deployment_id}-${index}`,
    timestamp: FROM_MS + index,
    deployment_id,
    model_version: 'v1',
  }));
  await run.produce(
    'predictions',
    made.map((prediction) => ({ value: JSON.stringify(prediction) })),
  );
  await run.produce(
    'feedback',
    made.map((prediction) => ({
      value: JSON.stringify({ ...prediction, feedback_type: 'explicit', rating: 1 }),
    })),
  );
}

async function counts(run: TopologyRun, deployment_id: string): Promise<number> {
  const told = await run.sink<Assessment>('patterns');
  return Math.max(
    0,
    ...told.filter((one) => one.deployment_id === deployment_id).map(({ total_events }) => total_events),
  );
}

test('a worker thread that is ended is replaced, and the group does not wait for its session', {
  timeout: 90_000,
}, async (t) => {
  const run = await TopologyRun.embedded(t, {
    changes: [[['actors', 'stats', 'idle'], 'never']],
    session_timeout_ms: SESSION_TIMEOUT_MS,
  });
  await run.start();
  await round(run, 'before');
  await run.heartbeat(FROM_MS + 3_600_000);
  await until(async () => (await counts(run, 'before')) >= EVENTS, 'the first round is counted');

  const tasks = () =>
    run.processor.status().workers.flatMap((worker) => worker.tasks.map(({ task }) => task));
  const all = tasks().length;
  await run.processor.threads[0]!.terminate();
  await until(
    () => run.processor.status().workers.some(({ restarts }) => restarts === 1),
    'it is started again',
  );
  await round(run, 'after');
  // Behind the watermark: a correction, told as soon as every task that has a part of it runs again.
  await until(async () => (await counts(run, 'after')) >= EVENTS, 'the second round is counted');

  await until(() => {
    const { not_ready, workers } = run.processor.status();
    const shared = workers.every((worker) => worker.tasks.length > 0);
    return not_ready === null && tasks().length === all && shared;
  }, 'all run again, and both workers have some');
  const { workers } = run.processor.status();
  assert.deepEqual(workers.map(({ restarts }) => restarts).sort(), [0, 1]);
  assert.match(workers.find(({ restarts }) => restarts === 1)!.last_error!, /exited/);
});

test('a worker whose thread is ended while it still starts is tried again, and can be stopped', {
  timeout: 90_000,
}, async (t) => {
  const run = await TopologyRun.embedded(t, { changes: [[['actors', 'stats', 'idle'], 'never']] });
  await run.start();
  const { processor } = run;
  const known = new Set(processor.threads);
  await processor.threads[0]!.terminate();
  // The first stands there when the worker is to run again, the second is started for that.
  for (const _ of ['first', 'second']) {
    const replacement = () => processor.threads.find((thread) => !known.has(thread));
    while (replacement() === undefined) await setImmediate();
    const thread = replacement()!;
    known.add(thread);
    await thread.terminate();
  }
  await until(
    () => processor.status().workers.every(({ phase }) => phase === 'running'),
    'all workers run again',
  );
  await round(run, 'after');
  await run.heartbeat(FROM_MS + 3_600_000);
  await until(async () => (await counts(run, 'after')) >= EVENTS, 'what comes then is counted');
});
