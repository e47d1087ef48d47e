/**
 * A model server for tests, on a free port: it speaks the REST protocols of TensorFlow Serving and KServe v2, and on
 * other paths says what it was sent. The model doubles numbers.
 */
import { createHash } from 'node:crypto';
import http, { type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Ending } from './embedded.ts';

export interface ModelServer {
  /** `http://host:port`. */
  readonly url: string;
  readonly port: number;
  /** Inferences asked so far. */
  readonly inferences: number;
  /** Of the last inference. */
  readonly last_headers: http.IncomingHttpHeaders;
  stop(): Promise<void>;
}

/** `serve`: what it does instead. */
export async function modelServer(t: Ending, serve?: RequestListener, port = 0): Promise<ModelServer> {
  const seen = { inferences: 0, last_headers: {} as http.IncomingHttpHeaders };
  const server = http.createServer({ keepAliveTimeout: 60_000 }, (request, response) => {
    if (serve) return serve(request, response);
    seen.inferences++;
    seen.last_headers = request.headers;
    void answer(request, response);
  });
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  const address = server.address() as AddressInfo;
  const stop = async () => {
    const closed = new Promise((resolve) => server.close(resolve));
    server.closeAllConnections();
    await closed;
  };
  t.after(stop);
  return {
    url: `http://127.0.0.1:${address.port}`,
    port: address.port,
    stop,
    get inferences() {
      return seen.inferences;
    },
    get last_headers() {
      return seen.last_headers;
    },
  };
}

export async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const body = await bodyOf(request).catch(() => undefined);
  if (!body) return;
  const { url = '' } = request;
  if (url.startsWith('/v1/models/') && url.includes(':')) tfServing(body, response);
  else if (url.startsWith('/v2/models/') && url.endsWith('/infer')) kserve(body, response);
  else sendJson(response, 200, whatItWasSent(request, body));
}

export function whatItWasSent(request: IncomingMessage, body: Buffer) {
  const { method, url, rawHeaders, httpVersion } = request;
  const sha256 = createHash('sha256').update(body).digest('hex');
  return { method, url, rawHeaders, httpVersion, bytes: body.length, sha256 };
}

function tfServing(body: Buffer, response: ServerResponse): void {
  try {
    const { instances } = JSON.parse(body.toString()) as { instances: number[][] };
    sendJson(response, 200, { predictions: instances.map((row) => row.map((value) => 2 * value)) });
  } catch {
    sendJson(response, 400, { error: 'JSON Parse error: Invalid value.' });
  }
}

interface Tensor {
  name: string;
  shape: number[];
  datatype: string;
  data: number[];
}

function kserve(body: Buffer, response: ServerResponse): void {
  const { inputs } = JSON.parse(body.toString()) as { inputs: Tensor[] };
  const outputs = inputs.map((tensor) => ({ ...tensor, data: tensor.data.map((value) => 2 * value) }));
  sendJson(response, 200, { model_name: 'doubler', model_version: '3', outputs });
}

function sendJson(response: ServerResponse, status: number, value: unknown): void {
  const body = JSON.stringify(value);
  response.writeHead(status, {
    'Content-Type': 'application/json',
    'Content-Length': Buffer.byteLength(body),
  });
  response.end(body);
}
