/** What cannot be mended by starting again stops its topology, and says why. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import pino from 'pino';
import { createAdmin } from '../../admin/server.ts';
import type { TopologyPort } from '../../admin/topology_port.ts';
import { HostedTopology } from '../../cli/run/hosted_topology.ts';
import { KAFKA_DEFAULTS } from '../../engine/kafka.ts';
import { Processor } from '../../engine/processor.ts';
import { RESTARTS } from '../../engine/restart_budget.ts';
import { TopologyRun } from '../harness/topology_run.ts';
import { until } from '../harness/until.ts';

test('state of another version is refused at once, and the topology says so', async (t) => {
  const run = await TopologyRun.embedded(t);
  await run.start();
  const { plan } = run.processor;
  await run.stop();

  const producer = run.kafka.producer();
  await producer.connect();
  const topic = plan.stages.find(({ name }) => name === 'stats')!.changelog!;
  await producer.send({
    topic,
    messages: [{ partition: 1, key: 'stats/k', value: '{}', headers: { errata: 's999' } }],
  });
  await producer.disconnect();

  const processor = await Processor.start(run.plan, {
    kafka: { ...KAFKA_DEFAULTS, brokers: [run.brokers], client_id: 'errata-test' },
    log: pino({ level: 'silent' }),
  });
  t.after(() => processor.stop());
  await until(() => processor.status().not_ready?.includes('E_STATE_VERSION') ?? false, 'it says why');
  await until(() => processor.status().workers.every(({ phase }) => phase === 'stopped'), 'all workers stop');
  assert.match(processor.status().not_ready!, /s999/);
});

test('a worker that dies again and again fails its topology, which says so; another in the same process goes on', async (t) => {
  const good = await TopologyRun.embedded(t);
  await good.start();
  const { plan } = await TopologyRun.prepare(t, { brokers: good.brokers, own_names: true });
  const log = pino({ level: 'silent' });
  const bad = new HostedTopology(plan, {
    kafka: { ...KAFKA_DEFAULTS, brokers: [good.brokers], client_id: 'errata-test' },
    log,
    supervision: {
      restarts: { ...RESTARTS, budget: 3, first_backoff_ms: 5 },
      worker_url: new URL('../harness/dying_worker.ts', import.meta.url),
    },
  });
  bad.start();
  t.after(() => bad.stop());
  await until(() => bad.status().not_ready?.includes('E_RESTART_BUDGET') ?? false, 'the budget is spent');
  await until(() => bad.status().workers.every(({ phase }) => phase === 'stopped'), 'all workers stop');

  const { processor } = good;
  const named = (port: TopologyPort): [string, TopologyPort] => [port.plan.topology, port];
  const admin = await createAdmin({ topologies: new Map([processor, bad].map(named)), token: null, log });
  t.after(() => admin.close());
  const answer = await admin.inject('/ready');
  assert.equal(answer.statusCode, 503);
  const [fine, failed] = answer.json().topologies;
  assert.deepEqual(fine, { topology: good.plan.topology, ready: true, reason: null });
  assert.match(
    failed.reason,
    /E_RESTART_BUDGET: worker .* died 4 times in 5 minutes, last: this worker always dies/,
  );

  await good.produce('predictions', [
    { value: JSON.stringify({ prediction_id: 'p', timestamp: 1, deployment_id: 'd', model_version: 'v' }) },
  ]);
  assert.equal((await good.ledger('predictions', 1)).taken_in, 1);
});
