import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PackedDelta } from '../../actors/packed_delta.ts';
import { playedTask } from '../../engine/played_task.ts';
import { BUNDLE_HEADERS } from '../../engine/record_format.ts';
import { logRecord } from '../../engine/testing.ts';
import { until } from '../harness/until.ts';
import { NOON, scannedPlan } from './scanned_play.ts';

const PLAN = scannedPlan(`
topology: bundled
commit_interval: 20ms
sources: { events: { kafka: { topic: in.events }, key: prediction_id, partitioner: murmur2 } }
actors:
  capture: { from: events, join: { wait: 1m } }
  stats: { kind: window, from: capture, by: [deployment_id], tumbling: 1m, lateness: 5m }
sinks:
  windows: { from: stats, kafka: { topic: out.windows } }
`);

function delta(deployment_id: string, latency_ms: PackedDelta[6]): PackedDelta {
  return [[0, deployment_id], NOON, NOON + 60_000, 1, [1, 0, 0, 0], 0, latency_ms, 0, 0, 0];
}

test('of deltas that came in one record, the one on which the window throws is set aside, and the others count', async (t) => {
  const stage = PLAN.stages.find(({ name }) => name === 'stats')!;
  const { task, give, commits, changes, sinks } = playedTask(PLAN, stage);
  t.after(() => task.stop('drop'));
  task.start();
  const { topic } = stage.inputs[0]!;
  await until(() => sinks.has(topic), 'the task reads');
  const bad = delta('bad', [1, 5, 25, { 3: null as unknown as number[] }]);
  const value = Buffer.from(JSON.stringify([delta('one', 0), bad, delta('two', 0)]));
  give(topic, [logRecord(0, { value, headers: BUNDLE_HEADERS })], 1);
  const letters = () =>
    commits.flatMap(({ outputs }) => outputs).filter((one) => one.topic === PLAN.dead_letter_topic);
  await until(() => letters().length > 0, 'something is set aside');
  assert.deepEqual(
    letters().map((letter) => JSON.parse(String(letter.value))),
    [[bad]],
  );
  const windows = changes.filter(({ key }) => key.startsWith('stats/w|')).map(({ key }) => key.split('|')[2]);
  assert.deepEqual(windows.toSorted(), ['["one"]', '["two"]']);
});
