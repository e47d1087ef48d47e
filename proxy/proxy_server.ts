/** The server that clients ask instead of the model server. */
import { randomUUID } from 'node:crypto';
import http, { type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { listenError } from '../messages/listen_error.ts';
import { BodyTap, TapBudget } from './body_tap.ts';
import { type Exchange, NO_BODY } from './exchange.ts';
import { type Ended, Forwarding, type Taps } from './forwarding.ts';
import { givenPredictionId, PREDICTION_ID } from './headers.ts';
import { type InferenceRoute, inferenceRoute } from './inference_route.ts';
import { MAX_HEADER_BYTES, type Upstream } from './upstream.ts';

export interface ProxyOptions {
  host: string;
  /** 0 picks a free one. */
  port: number;
  upstream: Upstream;
  /** Of a body; what is larger passes, and is not captured. */
  max_body_bytes: number;
  /** Of the bodies that are under way, together. */
  max_held_bytes: number;
  /** Called once for each inference, when it is over. */
  record(exchange: Exchange): void;
  observe: RequestObserver;
}

/** Told of each request when it is over. */
export type RequestObserver = (seen: { is_inference: boolean; ended: Ended; latency_ms: number }) => void;

/** Longer than clients and load balancers commonly keep theirs, so that they are who closes. */
const KEEP_ALIVE_MS = 75_000;
/** Clients that have nothing under way are told nothing more at the end. */
const DRAIN_POLL_MS = 50;

export class ProxyServer {
  readonly #options: ProxyOptions;
  readonly #server: Server;
  readonly #budget: TapBudget;
  #in_flight = 0;
  #inferences_in_flight = 0;
  #is_draining = false;

  constructor(options: ProxyOptions) {
    this.#options = options;
    this.#budget = new TapBudget(options.max_held_bytes);
    this.#server = http.createServer(
      { keepAliveTimeout: KEEP_ALIVE_MS, maxHeaderSize: MAX_HEADER_BYTES },
      (request, response) => this.#serve(request, response),
    );
  }

  get in_flight(): number {
    return this.#in_flight;
  }

  get is_draining(): boolean {
    return this.#is_draining;
  }

  /** Resolves to `http://host:port`. Throws E_PORT_IN_USE or E_LISTEN. */
  async listen(): Promise<string> {
    const { host, port } = this.#options;
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', (error) => reject(listenError(error, host, port, '--port')));
      this.#server.listen(port, host, resolve);
    });
    const { address, family, port: given } = this.#server.address() as AddressInfo;
    return `http://${family === 'IPv6' ? `[${address}]` : address}:${given}`;
  }

  /** Takes no new connections and waits for what is under way, at most for so long. */
  async drain(timeout_ms: number): Promise<void> {
    this.#is_draining = true;
    const closed = new Promise((resolve) => this.#server.close(resolve));
    const until_ms = performance.now() + timeout_ms;
    while (this.#in_flight > 0 && performance.now() < until_ms) await delay(DRAIN_POLL_MS);
    this.#server.closeAllConnections();
    await closed;
  }

  #serve(request: IncomingMessage, response: ServerResponse): void {
    const begun_ms = performance.now();
    const route = inferenceRoute(request.method!, request.url!);
    const taps = route ? this.#openTaps(request) : undefined;
    const in_flight = this.#inferences_in_flight;
    this.#in_flight++;
    if (route) this.#inferences_in_flight++;
    if (this.#is_draining) response.shouldKeepAlive = false;
    const forwarding = new Forwarding(this.#options.upstream, request, response, taps, (ended) => {
      const latency_ms = performance.now() - begun_ms;
      this.#in_flight--;
      if (route) this.#inferences_in_flight--;
      this.#options.observe({ is_inference: route !== null, ended, latency_ms });
      if (route && taps) this.#record({ request, route, taps, ended, latency_ms, in_flight });
    });
    forwarding.start();
  }

  #openTaps({ headers }: IncomingMessage): Taps {
    const { max_body_bytes } = this.#options;
    return {
      prediction_id: givenPredictionId(headers[PREDICTION_ID]) ?? randomUUID(),
      request: new BodyTap(this.#budget, max_body_bytes),
      response: new BodyTap(this.#budget, max_body_bytes),
    };
  }

  #record(seen: {
    request: IncomingMessage;
    route: InferenceRoute;
    taps: Taps;
    ended: Ended;
    latency_ms: number;
    in_flight: number;
  }): void {
    const { request, route, taps, ended, latency_ms, in_flight } = seen;
    const { headers } = request;
    this.#options.record({
      route,
      prediction_id: taps.prediction_id,
      time_ms: Math.round(Date.now() - latency_ms),
      latency_ms,
      ending: ended.ending,
      status: ended.status,
      request: { headers, size_bytes: taps.request.seen_bytes, bytes: taps.request.copy() },
      response: ended.response
        ? {
            headers: ended.response.headers,
            size_bytes: taps.response.seen_bytes,
            bytes: taps.response.copy(),
          }
        : NO_BODY,
      in_flight,
    });
    taps.request.release();
    taps.response.release();
  }
}
