/** State on disk, end to end: what a restart finds, on the embedded broker and on Apache Kafka. */
import assert from 'node:assert/strict';
import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { onBothBrokers } from '../harness/both_brokers.ts';
import { temporaryFolder } from '../harness/embedded.ts';
import { TopologyRun } from '../harness/topology_run.ts';
import { until } from '../harness/until.ts';

const FROM_MS = Date.UTC(2026, 0, 5);
const PREDICTIONS = 400;

const prediction = (index: number) => ({
  value: JSON.stringify({
    prediction_id: `p${index}`,
    timestamp: FROM_MS + index,
    model_version: 'v1',
    deployment_id: 'd',
  }),
});
const feedback = (index: number) => ({
  value: JSON.stringify({
    prediction_id: `p${index}`,
    timestamp: FROM_MS + 1_000 + index,
    feedback_type: 'explicit',
    rating: 1,
  }),
});

/** Changelog records that the tasks of capture read when they started. */
function replayed(run: TopologyRun): number {
  const tasks = run.processor.status().workers.flatMap(({ tasks }) => tasks);
  return tasks
    .filter(({ task }) => task.startsWith('capture/'))
    .reduce((sum, { restore }) => sum + restore!.records, 0);
}

async function runOnDisk(t: TestContext, brokers: string, path: string): Promise<TopologyRun> {
  const run = await TopologyRun.prepare(t, {
    brokers,
    own_names: true,
    changes: [
      [['state'], { store: 'lmdb', path }],
      [['workers'], 1],
    ],
  });
  await run.makeSources();
  return run;
}

onBothBrokers(
  'a restart on the same disk reads nothing again, one on an empty disk all; feedback finds its prediction either way',
  async (scope, t) => {
    const path = temporaryFolder(t);
    const run = await runOnDisk(t, scope.address, path);
    const all = Array.from({ length: PREDICTIONS }, (_, index) => index);
    await run.start();
    await run.produce('predictions', all.map(prediction));
    assert.deepEqual(await run.ledger('predictions', PREDICTIONS), {
      taken_in: PREDICTIONS,
      pending: PREDICTIONS,
    });
    await run.stop();

    await run.start();
    assert.equal(replayed(run), 0);
    await run.produce('feedback', all.slice(0, 200).map(feedback));
    assert.deepEqual(await run.ledger('feedback', 200), { taken_in: 200, joined: 200 });
    await run.stop();

    for (const folder of readdirSync(path)) rmSync(join(path, folder), { recursive: true });
    await run.start();
    assert.ok(replayed(run) >= PREDICTIONS);
    await run.produce('feedback', all.slice(200).map(feedback));
    assert.deepEqual(await run.ledger('feedback', PREDICTIONS), {
      taken_in: PREDICTIONS,
      joined: PREDICTIONS,
    });
    await until(async () => {
      const counts = await run.ledger('predictions', PREDICTIONS);
      return counts.joined === PREDICTIONS && counts.pending === undefined;
    }, 'every prediction has its feedback');
  },
  60_000,
);
