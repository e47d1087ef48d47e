/**
 * One request on its way to the upstream and back. Bodies stream through, byte for byte; the taps see them go by and
 * change nothing.
 *
 * 1. Whoever goes away takes the other side along: a client that aborts ends the request to the upstream, an upstream that
 *    breaks off ends the response.
 * 2. `onEnd` is called once, when the last byte has left or none will.
 * 3. A connection that the upstream had closed while it stood idle is not the client's business: the request is sent
 *    again over a new one, if repeating it is harmless and its whole body is at hand.
 */
import type { ClientRequest, IncomingMessage, ServerResponse } from 'node:http';
import { errorMessage } from '../messages/errata_error.ts';
import type { BodyTap } from './body_tap.ts';
import type { Ending } from './exchange.ts';
import { forwarded, PREDICTION_ID, requestHeaders } from './headers.ts';
import { CONNECT_TIMED_OUT, type Upstream } from './upstream.ts';

/** Of an inference; other requests have none of it. */
export interface Taps {
  prediction_id: string;
  request: BodyTap;
  response: BodyTap;
}

export interface Ended {
  ending: Ending;
  /** The upstream's, or the proxy's own where the upstream had none; undefined: none was sent. */
  status: number | undefined;
  response: IncomingMessage | undefined;
  /** Why it did not complete. */
  problem: string | undefined;
}

export class Forwarding {
  readonly #upstream: Upstream;
  readonly #request: IncomingMessage;
  readonly #response: ServerResponse;
  readonly #taps: Taps | undefined;
  readonly #onEnd: (ended: Ended) => void;
  #sent: ClientRequest | undefined;
  #answer: IncomingMessage | undefined;
  #is_repeated = false;
  /** Set by what went wrong first. */
  #ended: Ended | undefined;

  constructor(
    upstream: Upstream,
    request: IncomingMessage,
    response: ServerResponse,
    taps: Taps | undefined,
    onEnd: (ended: Ended) => void,
  ) {
    this.#upstream = upstream;
    this.#request = request;
    this.#response = response;
    this.#taps = taps;
    this.#onEnd = onEnd;
  }

  start(): void {
    const request = this.#request;
    if (this.#taps) request.on('data', (chunk: Buffer) => this.#taps!.request.add(chunk));
    // What a broken connection has to say is said by the response's `close`.
    request.on('error', () => undefined);
    this.#response.on('error', () => undefined);
    this.#response.once('close', () => this.#onClosed());
    this.#send(false);
  }

  #send(is_fresh: boolean): void {
    let sent: ClientRequest;
    try {
      const { method = 'GET' } = this.#request;
      sent = this.#upstream.open(method, originForm(this.#request.url!), this.#headers(), is_fresh);
    } catch (thrown) {
      this.#refuse(400, 'upstream_failed', `this request cannot be passed on: ${errorMessage(thrown)}`);
      return;
    }
    this.#sent = sent;
    sent.once('response', (answer) => this.#pass(answer));
    sent.once('timeout', () => this.#fail('timed_out', 'the upstream is silent'));
    sent.on('error', (error: NodeJS.ErrnoException) => this.#onError(sent, error));
    if (is_fresh) for (const chunk of this.#taps?.request.chunks ?? []) sent.write(chunk);
    this.#request.pipe(sent);
  }

  #headers(): string[] {
    const { headers, rawHeaders, method } = this.#request;
    const is_chunked = headers['transfer-encoding'] !== undefined;
    const has_framing = is_chunked || headers['content-length'] !== undefined;
    const has_no_body = !has_framing && !BODILESS.has(method!);
    const { host } = this.#upstream;
    return requestHeaders(rawHeaders, {
      ...(host === undefined ? {} : { host }),
      ...(this.#taps ? { [PREDICTION_ID]: this.#taps.prediction_id } : {}),
      ...(is_chunked ? { 'transfer-encoding': 'chunked' } : {}),
      // Node would take the lack of both for a body of unknown length.
      ...(has_no_body ? { 'content-length': '0' } : {}),
    });
  }

  #pass(answer: IncomingMessage): void {
    this.#answer = answer;
    const response = this.#response;
    const changes = this.#taps ? { [PREDICTION_ID]: this.#taps.prediction_id } : {};
    answer.once('error', () => this.#fail('upstream_failed', 'the upstream broke off its response'));
    if (this.#taps) answer.on('data', (chunk: Buffer) => this.#taps!.response.add(chunk));
    response.sendDate = false;
    response.writeHead(answer.statusCode!, answer.statusMessage, forwarded(answer.rawHeaders, changes));
    answer.pipe(response);
  }

  #onError(sent: ClientRequest, error: NodeJS.ErrnoException): void {
    if (sent !== this.#sent || this.#ended) return;
    // What is left of the body has nowhere to go.
    if (this.#answer) this.#request.resume();
    else if (this.#mayRepeat(sent, error)) {
      this.#is_repeated = true;
      this.#request.unpipe(sent);
      this.#send(true);
    } else this.#fail(error.code === CONNECT_TIMED_OUT ? 'timed_out' : 'upstream_failed', reasonOf(error));
  }

  #mayRepeat(sent: ClientRequest, { code }: NodeJS.ErrnoException): boolean {
    if (this.#is_repeated || !sent.reusedSocket || !(code === 'ECONNRESET' || code === 'EPIPE')) return false;
    const { method } = this.#request;
    return this.#taps ? this.#taps.request.chunks !== undefined : method === 'GET' || method === 'HEAD';
  }

  #fail(ending: Ending, problem: string): void {
    const status = ending === 'timed_out' ? 504 : 502;
    this.#refuse(status, ending, `the upstream ${this.#upstream.url.origin} has not answered: ${problem}`);
  }

  /** An answer of the proxy's own where none has begun; otherwise the client must see that this one is not whole. */
  #refuse(own_status: number, ending: Ending, problem: string): void {
    if (this.#ended) return;
    const response = this.#response;
    const status = response.headersSent ? response.statusCode : own_status;
    this.#ended = { ending, status, response: this.#answer, problem };
    this.#sent?.destroy();
    this.#request.unpipe().resume();
    if (response.headersSent) response.destroy();
    else sendError(response, own_status, problem, this.#taps?.prediction_id);
  }

  #onClosed(): void {
    const response = this.#response;
    const is_whole = response.writableFinished;
    if (!is_whole) this.#sent?.destroy();
    this.#onEnd(
      this.#ended ?? {
        ending: is_whole ? 'completed' : 'client_aborted',
        status: response.headersSent ? response.statusCode : undefined,
        response: this.#answer,
        problem: is_whole ? undefined : 'the client has gone',
      },
    );
    this.#ended ??= { ending: 'client_aborted', status: undefined, response: undefined, problem: undefined };
  }
}

/** Of these Node knows that they have no body unless a header says so. */
const BODILESS = new Set(['GET', 'HEAD', 'DELETE', 'OPTIONS', 'TRACE']);

/** Proxies are also asked with whole URLs; the upstream gets the path. */
function originForm(url: string): string {
  const path = /^https?:\/\/[^/?#]*(.*)$/i.exec(url)?.[1] ?? url;
  return path.startsWith('?') || path === '' ? `/${path}` : path;
}

function reasonOf(error: NodeJS.ErrnoException): string {
  return errorMessage(error) || error.code || 'the connection failed';
}

/** As TensorFlow Serving and KServe say errors. */
function sendError(response: ServerResponse, status: number, error: string, prediction_id?: string): void {
  const body = JSON.stringify({ error, code: status === 400 ? 'E_REQUEST' : 'E_UPSTREAM' });
  response.writeHead(status, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(body),
    ...(prediction_id === undefined ? {} : { [PREDICTION_ID]: prediction_id }),
  });
  response.end(body);
}
