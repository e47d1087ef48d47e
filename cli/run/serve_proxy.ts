/** One process of the proxy: what clients ask, what operators ask, and their end. */
import type { Logger } from 'pino';
import { type ProxyAdmin, startProxyAdmin } from '../../proxy/admin.ts';
import { Capture, type CaptureBounds } from '../../proxy/capture.ts';
import type { PublishingSettings } from '../../proxy/capture_thread.ts';
import { ProxyMetrics } from '../../proxy/proxy_metrics.ts';
import { ProxyServer } from '../../proxy/proxy_server.ts';
import { Upstream, type UpstreamOptions } from '../../proxy/upstream.ts';
import { aborted } from './stop_signal.ts';

export interface ServeProxyOptions {
  listen: { host: string; port: number };
  admin: { host: string; port: number };
  upstream: UpstreamOptions;
  publishing: PublishingSettings;
  bounds: CaptureBounds;
  max_body_bytes: number;
  log: Logger;
  say(line: string): void;
  /** Aborted when it is to stop. */
  signal: AbortSignal;
}

/** For what is under way; publishing has its own time after it. Both within the 30 s of Kubernetes. */
const DRAIN_TIMEOUT_MS = 15_000;

/** Resolves when it has stopped as told. Throws E_UPSTREAM_URL, E_PORT_IN_USE or E_LISTEN. */
export async function serveProxy(options: ServeProxyOptions): Promise<void> {
  const { log, say, signal } = options;
  const upstream = new Upstream(options.upstream);
  const capture = new Capture(options.publishing, options.bounds, log);
  const metrics = new ProxyMetrics(capture, () => server.in_flight);
  const server: ProxyServer = new ProxyServer({
    ...options.listen,
    upstream,
    max_body_bytes: options.max_body_bytes,
    max_held_bytes: options.bounds.max_buffered_bytes,
    record: (exchange) => capture.record(exchange),
    observe: metrics.observe,
  });
  const about = {
    upstream: upstream.url.href,
    isDraining: () => server.is_draining,
    capture: () => capture.stats(),
    metrics,
  };
  let admin: ProxyAdmin | undefined;
  try {
    admin = await startProxyAdmin(options.admin, about, log);
    say(`admin API on ${admin.address}`);
    say(`proxy on ${await server.listen()} for ${upstream.url.href}`);
    await aborted(signal);
    log.info('stopping');
    await server.drain(DRAIN_TIMEOUT_MS);
  } finally {
    upstream.close();
    const stats = await capture.close();
    log.info(stats, 'captured');
    await admin?.stop();
  }
}
