/** One process of errata: the embedded broker where one is needed, the admin API, the topologies; and their end. */
import { join } from 'node:path';
import type { Logger } from 'pino';
import { startAdmin } from '../../admin/server.ts';
import { type Broker, startBroker } from '../../broker/broker.ts';
import { CONNECTORS_URL } from '../../connectors/catalogue.ts';
import { openRegistry } from '../../deploy/registry.ts';
import type { KafkaAccess, KafkaSettings } from '../../engine/kafka_settings.ts';
import type { Plan } from '../../engine/plan.ts';
import { trainingJobs } from '../../engine/training_jobs.ts';
import { ErrataError, errorMessage } from '../../messages/errata_error.ts';
import { openTrainingPool, type TrainingPool } from '../../training/pool.ts';
import { HostedTopology } from './hosted_topology.ts';
import { aborted } from './stop_signal.ts';
import { stoppedWithin } from './stop_timeout.ts';

export interface ServeOptions {
  /** Without brokers of its own, a topology runs on the embedded one. */
  topologies: { plan: Plan; kafka: KafkaAccess }[];
  admin: { host: string; port: number; token: string | null };
  kafka_port: number;
  data_dir: string;
  log: Logger;
  say(line: string): void;
  /** Aborted when it is to stop. */
  signal: AbortSignal;
}

/** Less than the 30 s that Kubernetes gives before it kills. */
const STOP_TIMEOUT_MS = 25_000;

/** What was started, to be ended in the opposite order. */
type Closing = (() => Promise<unknown>)[];

/** Resolves when it has stopped as told. Throws what start throws, E_BROKER_CRASHED and E_STOP_TIMEOUT. */
export async function serve(options: ServeOptions): Promise<void> {
  const closing: Closing = [];
  try {
    const broker = await start(options, closing);
    await Promise.race([aborted(options.signal), ...(broker ? [crash(broker, options)] : [])]);
    options.log.info('stopping');
  } finally {
    await stoppedWithin(STOP_TIMEOUT_MS, end(closing, options.log));
  }
}

async function start(options: ServeOptions, closing: Closing): Promise<Broker | null> {
  const { log, say, admin, data_dir } = options;
  const broker = options.topologies.some(({ kafka }) => kafka.brokers === null)
    ? await openBroker(options)
    : null;
  if (broker) closing.push(() => broker.stop());
  const pool = openTrainingPool();
  closing.push(() => pool.close());

  const topologies = new Map<string, HostedTopology>();
  const server = await startAdmin({ ...admin, topologies, log });
  closing.push(() => server.stop());
  say(`admin API on ${server.address}`);
  for (const { plan, kafka: access } of options.topologies) {
    const kafka: KafkaSettings = { ...access, brokers: access.brokers ?? [broker!.address] };
    const runJob = training({ kafka, pool, log, data_dir });
    const connectors = CONNECTORS_URL;
    const topology = new HostedTopology(plan, { kafka, log, runJob, connectors, admin: server.address });
    topologies.set(plan.topology, topology);
    say(`topology ${plan.topology} on ${kafka.brokers.join(', ')}`);
  }
  // All at once, so that none waits for another.
  closing.push(() => stopAll([...topologies.values()], log));
  for (const topology of topologies.values()) topology.start();
  return broker;
}

/** Rejects when the broker ends without having been told to. */
async function crash(broker: Broker, { log, signal }: ServeOptions): Promise<void> {
  let error: unknown = new ErrataError('E_BROKER_CRASHED', 'the embedded broker has ended by itself');
  await broker.ended.catch((cause) => {
    error = cause;
  });
  if (signal.aborted) return;
  // Said now: without its broker the end may take long, and fail in its turn.
  log.fatal({ err: error }, errorMessage(error));
  throw error;
}

async function openBroker({ kafka_port, data_dir, say }: ServeOptions): Promise<Broker> {
  const folder = join(data_dir, 'broker');
  const broker = await startBroker({ port: kafka_port, data_dir: folder });
  say(`embedded broker on ${broker.address}, data in ${folder}`);
  return broker;
}

function training(parts: { kafka: KafkaSettings; pool: TrainingPool; log: Logger; data_dir: string }) {
  const { data_dir, ...others } = parts;
  return trainingJobs({ ...others, registry: openRegistry(join(data_dir, 'registry')) });
}

async function stopAll(topologies: HostedTopology[], log: Logger): Promise<void> {
  await Promise.all(
    topologies.map((topology) =>
      topology.stop().catch((error) => {
        const name = topology.plan.topology;
        log.error({ topology: name, error: errorMessage(error) }, 'the topology did not stop cleanly');
      }),
    ),
  );
}

async function end(closing: Closing, log: Logger): Promise<void> {
  for (const close of closing.splice(0).reverse())
    await close().catch((error) => log.error({ err: error }, 'not stopped cleanly'));
}
