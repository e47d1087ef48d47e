/** An answer of Kafka that waiting does not mend stops the topology, which says what to do. */
import assert from 'node:assert/strict';
import pino from 'pino';
import { KAFKA_DEFAULTS } from '../../engine/kafka.ts';
import { Processor } from '../../engine/processor.ts';
import { onApacheKafka } from '../harness/both_brokers.ts';
import { TopologyRun } from '../harness/topology_run.ts';
import { until } from '../harness/until.ts';

onApacheKafka('a transaction time-out that the cluster does not allow', async ({ address }, t) => {
  const { plan } = await TopologyRun.prepare(t, { brokers: address, own_names: true });
  const processor = await Processor.start(plan, {
    kafka: {
      ...KAFKA_DEFAULTS,
      brokers: [address],
      client_id: 'errata-test',
      transaction_timeout_ms: 2 ** 31 - 1,
    },
    log: pino({ level: 'silent' }),
  });
  t.after(() => processor.stop());
  await until(() => processor.status().not_ready?.includes('E_KAFKA_') ?? false, 'it says why');
  const reason = processor.status().not_ready!;
  assert.match(reason, /E_KAFKA_INVALID_TRANSACTION_TIMEOUT: .*transactional id errata\./);
  assert.match(reason, /raise transaction.max.timeout.ms/);
  await until(() => processor.status().workers.every(({ phase }) => phase === 'stopped'), 'all workers stop');
});
