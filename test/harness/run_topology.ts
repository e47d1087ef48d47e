/**
 * A process that runs one plan, for tests that kill it: `node run_topology.ts PLAN.json BROKERS [CONNECTORS]`. It
 * tells its parent how many tasks it runs, whenever that changes.
 */
import { readFileSync } from 'node:fs';
import pino from 'pino';
import { CONNECTORS_URL } from '../../connectors/catalogue.ts';
import { KAFKA_DEFAULTS } from '../../engine/kafka.ts';
import type { Plan } from '../../engine/plan.ts';
import { Processor } from '../../engine/processor.ts';

/** The least that Apache Kafka takes by default. */
const SESSION_TIMEOUT_MS = 6_000;

const [plan_file, brokers, connectors] = process.argv.slice(2) as [string, string, string | undefined];
const processor = await Processor.start(JSON.parse(readFileSync(plan_file, 'utf8')) as Plan, {
  kafka: {
    ...KAFKA_DEFAULTS,
    session_timeout_ms: SESSION_TIMEOUT_MS,
    brokers: [brokers],
    client_id: 'errata-test',
  },
  connectors: connectors ?? CONNECTORS_URL,
  log: pino({ level: process.env.LOG_LEVEL ?? 'error' }, pino.destination({ dest: 2, sync: true })),
});

let told = -1;
setInterval(() => {
  const { not_ready, workers } = processor.status();
  const running = workers.reduce((sum, { tasks }) => sum + tasks.length, 0);
  if (not_ready !== null || running === told) return;
  told = running;
  process.send?.(running);
}, 50);
process.on('disconnect', () => process.exit());
