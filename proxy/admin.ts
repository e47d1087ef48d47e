/** The proxy about itself, on a port of its own: `/health`, `/ready`, `/metrics`. No outage of Kafka makes it unready. */
import fastify, { type FastifyBaseLogger } from 'fastify';
import { listenError } from '../messages/listen_error.ts';
import type { CaptureStats } from './capture.ts';
import type { ProxyMetrics } from './proxy_metrics.ts';

export interface AboutProxy {
  upstream: string;
  isDraining(): boolean;
  capture(): CaptureStats;
  metrics: ProxyMetrics;
}

export interface ProxyAdmin {
  /** `http://host:port`. */
  address: string;
  stop(): Promise<void>;
}

/** Port 0 picks a free one. Throws E_PORT_IN_USE or E_LISTEN. */
export async function startProxyAdmin(
  { host, port }: { host: string; port: number },
  about: AboutProxy,
  log: FastifyBaseLogger,
): Promise<ProxyAdmin> {
  const app = fastify({ loggerInstance: log.child({}, { level: 'warn' }), forceCloseConnections: true });
  app.get('/health', () => ({ status: 'ok', upstream: about.upstream, capture: about.capture() }));
  app.get('/ready', (_, reply) => {
    const ready = !about.isDraining();
    return reply.code(ready ? 200 : 503).send({ ready, reason: ready ? null : 'it is stopping' });
  });
  app.get('/metrics', async (_, reply) =>
    reply.type(about.metrics.content_type).send(await about.metrics.render()),
  );
  try {
    return { address: await app.listen({ host, port }), stop: () => app.close() };
  } catch (cause) {
    await app.close();
    throw listenError(cause, host, port, '--admin-port');
  }
}
