/** What cannot be mended by starting again stops its topology, and says why. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import pino from 'pino';
import { KAFKA_DEFAULTS } from '../../engine/kafka.ts';
import { Processor } from '../../engine/processor.ts';
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
