/** A small ingest on a loopback port: takes what errata's takes, keeps it, and fails on demand. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { decode } from '../../messages/decode.ts';
import type { Ending } from './embedded.ts';

export interface IngestRequest {
  path: string;
  content_type: string;
  headers: IncomingMessage['headers'];
  records: Record<string, unknown>[];
}

export class IngestServer {
  readonly #server = createServer((request, response) => void this.#answer(request, response));
  /** Those that were answered with 202. */
  readonly taken: IngestRequest[] = [];
  /** All, in order. */
  readonly asked: IngestRequest[] = [];
  /** An HTTP status to answer with instead, or where to go. */
  fault: (request: IngestRequest) => number | URL | undefined | Promise<number> = () => undefined;
  url = '';

  static async start(t: Ending): Promise<IngestServer> {
    const ingest = new IngestServer();
    await new Promise<void>((listening) => ingest.#server.listen(0, '127.0.0.1', listening));
    ingest.url = `http://127.0.0.1:${(ingest.#server.address() as AddressInfo).port}`;
    t.after(() => {
      ingest.#server.closeAllConnections();
      ingest.#server.close();
    });
    return ingest;
  }

  get records(): Record<string, unknown>[] {
    return this.taken.flatMap(({ records }) => records);
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    response.setHeader('access-control-allow-origin', '*');
    if (request.method === 'OPTIONS') {
      const allowed = { 'access-control-allow-headers': 'content-type, authorization, idempotency-key' };
      response.writeHead(204, allowed).end();
      return;
    }
    const { url: path = '', headers } = request;
    const texts = textsIn((await buffer(request)).toString('utf8'));
    const records = texts.map((text) => JSON.parse(text) as Record<string, unknown>);
    const asked = { path, content_type: headers['content-type'] ?? '', headers, records };
    this.asked.push(asked);
    const fault =
      (await this.fault(asked)) ?? (['/v1/predictions', '/v1/feedback'].includes(path) ? undefined : 404);
    if (fault instanceof URL) {
      response.writeHead(302, { location: fault.href }).end();
      return;
    }
    if (fault !== undefined) {
      response.writeHead(fault).end();
      return;
    }
    const errors = texts.flatMap((text, index) => {
      const decoded = decode(Buffer.from(text));
      return decoded.kind === 'bad' ? [{ index, code: decoded.code, message: decoded.message }] : [];
    });
    const refused = new Set(errors.map(({ index }) => index));
    this.taken.push({ ...asked, records: records.filter((_, index) => !refused.has(index)) });
    response.writeHead(202, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ accepted: records.length - errors.length, errors }));
  }
}

/** One object, an array, or one object per line. */
function textsIn(body: string): string[] {
  if (body.startsWith('[')) return (JSON.parse(body) as unknown[]).map((record) => JSON.stringify(record));
  return body.split('\n').filter((line) => line.trim() !== '');
}
