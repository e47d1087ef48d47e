/**
 * BigQuery's REST API of one table, in memory: what the emulator lacks (rows that are refused, requests that are refused as a whole, columns
 * that go), as BigQuery documents it. Each row has one column `id`; what stands in it decides.
 */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gunzipSync } from 'node:zlib';
import type { Column } from './bigquery_emulator.ts';
import type { Ending } from './embedded.ts';

interface Body {
  rows: { json: { id?: string } }[];
}

export class FakeInsertAll {
  columns: Column[] = [{ name: 'id', type: 'STRING' }];
  /** As they were taken. */
  readonly rows: string[] = [];
  requests = 0;
  readonly #server = createServer((request, response) => void this.#answer(request, response));

  static async start(t: Ending): Promise<FakeInsertAll> {
    const fake = new FakeInsertAll();
    fake.#server.listen(0, '127.0.0.1');
    await once(fake.#server, 'listening');
    t.after(() => fake.#server.closeAllConnections());
    t.after(() => fake.#server.close());
    return fake;
  }

  /** The base URL of REST. */
  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/bigquery/v2`;
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const sent = Buffer.concat(chunks);
    const text = request.headers['content-encoding'] === 'gzip' ? gunzipSync(sent) : sent;
    const [status, answer] =
      request.method === 'GET'
        ? [200, { schema: { fields: this.columns } }]
        : this.#insert(JSON.parse(text.toString()));
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(answer));
  }

  #insert({ rows }: Body): [number, object] {
    this.requests += 1;
    const ids = rows.map(({ json }) => json.id ?? '');
    if (ids.some((id) => id.startsWith('odd')))
      return [400, { error: { code: 400, message: 'something is odd', errors: [{ reason: 'invalid' }] } }];
    const insertErrors = ids.flatMap((id, index) => {
      const message = this.#objection(id);
      return message ? [{ index, errors: [{ reason: 'invalid', location: 'id', message }] }] : [];
    });
    const refused = new Set(insertErrors.map(({ index }) => index));
    this.rows.push(...ids.filter((_, index) => !refused.has(index)));
    return [200, insertErrors.length > 0 ? { insertErrors } : {}];
  }

  #objection(id: string): string | null {
    if (!this.columns.some(({ name }) => name === 'id')) return 'no such field: id.';
    return id.startsWith('bad') ? 'it is bad' : null;
  }
}
