/** The thread that `startBroker` starts. */
import { parentPort, workerData } from 'node:worker_threads';
import { ErrataError, errorMessage } from '../messages/errata_error.ts';
import type { BrokerOptions } from './broker_config.ts';
import { startServer } from './server.ts';

export type ToBroker = 'stop';
export type FromBroker =
  | { kind: 'listening'; port: number }
  | { kind: 'failed'; code: string; message: string; hint: string | undefined };

/** Malformed requests are the client's affair; anything else is a defect here that somebody should see. */
function report(thrown: unknown): void {
  if (thrown instanceof ErrataError) return;
  console.error(thrown);
}

const port = parentPort!;
try {
  const server = await startServer(workerData as BrokerOptions, report);
  port.once('message', (_: ToBroker) => {
    void server.stop().then(() => port.close());
  });
  port.postMessage({ kind: 'listening', port: server.port } satisfies FromBroker);
} catch (thrown) {
  const { code, hint } = thrown instanceof ErrataError ? thrown : { code: 'E_BROKER_START', hint: undefined };
  port.postMessage({ kind: 'failed', code, message: errorMessage(thrown), hint } satisfies FromBroker);
  port.close();
}
