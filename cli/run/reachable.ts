/** Whether somebody listens at one of the brokers' addresses: asked before kafkajs, which would log each refusal. */
import { connect } from 'node:net';
import { errorMessage } from '../../messages/errata_error.ts';

const CONNECT_TIMEOUT_MS = 3_000;

/** Null if one accepts a connection; otherwise what the last one said. `brokers` as `host:port`. */
export async function whyUnreachable(brokers: readonly string[]): Promise<string | null> {
  let reason: string | null = 'there is no broker address';
  for (const broker of brokers) {
    reason = await tryConnect(broker);
    if (reason === null) return null;
  }
  return reason;
}

function tryConnect(broker: string): Promise<string | null> {
  const colon = broker.lastIndexOf(':');
  const host = broker.slice(0, colon).replace(/^\[(.*)\]$/, '$1');
  return new Promise((resolve) => {
    const socket = connect({ host, port: Number(broker.slice(colon + 1)), timeout: CONNECT_TIMEOUT_MS });
    const end = (reason: string | null) => {
      socket.destroy();
      resolve(reason);
    };
    socket.once('connect', () => end(null));
    socket.once('timeout', () => end(`${broker} does not answer`));
    socket.once('error', (error) => end(errorMessage(error) || `${broker} cannot be reached`));
  });
}
