/** A source that grows under a running topology stops it, and it does not start again: keys would have moved. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TopologyRun } from '../harness/topology_run.ts';
import { until } from '../harness/until.ts';

test('a re-keyed source that gets more partitions stops the topology, and is refused at the next start', {
  timeout: 60_000,
}, async (t) => {
  const run = await TopologyRun.embedded(t);
  await run.start();
  const topic = run.topic('feedback');
  assert.equal(run.plan.stages.find(({ name }) => name === 'feedback')?.changelog, undefined);

  const admin = run.kafka.admin();
  await admin.connect();
  t.after(() => admin.disconnect());
  await admin.createPartitions({ topicPartitions: [{ topic, count: 6 }] });
  await until(
    () => run.processor.status().not_ready?.includes('E_PARTITIONS_CHANGED') ?? false,
    'the running topology notices',
  );
  assert.match(run.processor.status().not_ready!, /had 4 partitions .* has 6 now/);
  await until(
    () => run.processor.status().workers.every(({ phase }) => phase === 'stopped'),
    'its workers have stopped',
  );
  await run.stop();
  await assert.rejects(run.start(), { code: 'E_PARTITIONS_CHANGED' });
});
