/**
 * The embedded, Kafka-compatible single-node broker, in a thread of its own: development, demos, edge devices, tests.
 *
 * `const broker = await startBroker({ port: 9092, data_dir: '.errata/broker' }); … await broker.stop();`
 */
import { Worker } from 'node:worker_threads';
import { ErrataError } from '../messages/errata_error.ts';
import type { BrokerOptions } from './broker_config.ts';
import type { FromBroker, ToBroker } from './broker_thread.ts';

export type { BrokerOptions } from './broker_config.ts';

export interface Broker {
  readonly port: number;
  /** For clients: `host:port`. */
  readonly address: string;
  /** Settles when the thread has ended: rejects if it crashed, resolves after `stop`. */
  readonly ended: Promise<void>;
  stop(): Promise<void>;
}

/**
 * Resolves when the broker listens. Throws ErrataError E_PORT_IN_USE, E_DATA_DIR_IN_USE, E_DATA_DIR_VERSION,
 * E_DATA_DIR, E_LISTEN or E_BROKER_CRASHED.
 */
export async function startBroker(options: BrokerOptions): Promise<Broker> {
  const worker = new Worker(new URL('./broker_thread.ts', import.meta.url), {
    name: 'broker',
    workerData: options,
    execArgv: ['--disable-warning=ExperimentalWarning'],
  });
  const ended = new Promise<void>((resolve, reject) => {
    worker.once('error', (cause) =>
      reject(new ErrataError('E_BROKER_CRASHED', `the broker thread failed: ${cause.message}`, { cause })),
    );
    worker.once('exit', () => resolve());
  });
  ended.catch(() => {}); // seen by whoever asks for `ended`
  const { port } = await started(worker, ended);
  const stop = async () => {
    worker.postMessage('stop' satisfies ToBroker);
    await ended;
  };
  return { port, address: `${options.advertised_host ?? options.host ?? '127.0.0.1'}:${port}`, ended, stop };
}

async function started(worker: Worker, ended: Promise<void>): Promise<{ port: number }> {
  const first = new Promise<FromBroker>((resolve) => worker.once('message', resolve));
  const crashed = ended.then((): FromBroker => {
    return {
      kind: 'failed',
      code: 'E_BROKER_CRASHED',
      message: 'the broker thread ended at start',
      hint: undefined,
    };
  });
  const message = await Promise.race([first, crashed]);
  if (message.kind === 'listening') return { port: message.port };
  await ended;
  throw new ErrataError(
    message.code,
    message.message,
    message.hint === undefined ? {} : { hint: message.hint },
  );
}
