/** A proxy in this process, and what it recorded; ended with the test. */
import type { TestContext } from 'node:test';
import type { Exchange } from './exchange.ts';
import { ProxyServer } from './proxy_server.ts';
import { Upstream, type UpstreamOptions } from './upstream.ts';

export interface TestedProxy {
  url: string;
  server: ProxyServer;
  recorded: Exchange[];
}

export async function proxyFor(
  t: TestContext,
  upstream_url: string,
  options: Partial<UpstreamOptions> & { max_body_bytes?: number } = {},
): Promise<TestedProxy> {
  const { max_body_bytes = 1024 * 1024, ...others } = options;
  const upstream = new Upstream({
    url: upstream_url,
    connect_timeout_ms: 5_000,
    timeout_ms: 30_000,
    keep_host: false,
    ...others,
  });
  const recorded: Exchange[] = [];
  const server = new ProxyServer({
    host: '127.0.0.1',
    port: 0,
    upstream,
    max_body_bytes,
    max_held_bytes: 16 * 1024 * 1024,
    record: (exchange) => recorded.push(exchange),
    observe: () => undefined,
  });
  const url = await server.listen();
  t.after(async () => {
    await server.drain(0);
    upstream.close();
  });
  return { url, server, recorded };
}
