/** The model server behind the proxy: one pool of connections, kept open. */
import http, { type ClientRequest } from 'node:http';
import https from 'node:https';
import type { Socket } from 'node:net';
import { ErrataError } from '../messages/errata_error.ts';

export interface UpstreamOptions {
  /** `http://host:port` or `https://…`; a path is put before those of the requests. */
  url: string;
  connect_timeout_ms: number;
  /** Without a byte in either direction. */
  timeout_ms: number;
  /** The client's `Host` goes on, not the one in `url`. */
  keep_host: boolean;
}

/** Both of the server before the proxy and of what it asks. */
export const MAX_HEADER_BYTES = 64 * 1024;

/** The error of a connection that did not come about in time. */
export const CONNECT_TIMED_OUT = 'E_CONNECT_TIMED_OUT';

export class Upstream {
  readonly url: URL;
  readonly #options: UpstreamOptions;
  readonly #agent: http.Agent;

  /** Throws E_UPSTREAM_URL. */
  constructor(options: UpstreamOptions) {
    this.url = parseUrl(options.url);
    this.#options = options;
    this.#agent = this.#newAgent({ keepAlive: true, scheduling: 'lifo' });
  }

  /** For `Host`; undefined: the client's goes on. */
  get host(): string | undefined {
    return this.#options.keep_host ? undefined : this.url.host;
  }

  /** `is_fresh`: over a new connection. Throws where `path` is none that HTTP knows. */
  open(method: string, path: string, headers: string[], is_fresh: boolean): ClientRequest {
    const { url } = this;
    const request = (url.protocol === 'https:' ? https : http).request({
      agent: is_fresh ? this.#newAgent({ keepAlive: false }) : this.#agent,
      host: url.hostname.replace(/^\[(.*)\]$/, '$1'),
      port: url.port,
      method,
      path: url.pathname.replace(/\/$/, '') + path,
      headers,
      timeout: this.#options.timeout_ms,
      maxHeaderSize: MAX_HEADER_BYTES,
      ...(url.protocol === 'https:' ? { servername: url.hostname } : {}),
    });
    request.once('socket', (socket) => this.#limitConnecting(request, socket));
    return request;
  }

  close(): void {
    this.#agent.destroy();
  }

  #newAgent(options: http.AgentOptions): http.Agent {
    return this.url.protocol === 'https:' ? new https.Agent(options) : new http.Agent(options);
  }

  #limitConnecting(request: ClientRequest, socket: Socket): void {
    if (!socket.connecting) return;
    const { connect_timeout_ms } = this.#options;
    const timer = setTimeout(() => {
      request.destroy(new ErrataError(CONNECT_TIMED_OUT, `no connection within ${connect_timeout_ms} ms`));
    }, connect_timeout_ms);
    const end = () => clearTimeout(timer);
    socket.once('connect', end).once('close', end);
  }
}

function parseUrl(text: string): URL {
  const url = URL.parse(text);
  if (url && ['http:', 'https:'].includes(url.protocol) && url.search === '' && url.username === '')
    return url;
  throw new ErrataError('E_UPSTREAM_URL', `"${text}" is no upstream`, {
    hint: 'as in --upstream http://127.0.0.1:8501',
  });
}
