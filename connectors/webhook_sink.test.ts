/** One batch of a webhook, by HTTP: when it is over, and what is posted of it. */
import assert from 'node:assert/strict';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type TestContext, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import pino from 'pino';
import { ErrataError } from '../messages/errata_error.ts';
import type { SinkRecord } from './connector.ts';
import { WebhookSink } from './webhook_sink.ts';

test('a secret that is away while it is renewed is waited for, and said; nothing of the batch is posted twice', async (t) => {
  let reads = 0;
  const { sink, posted } = await opened(t, () => {
    reads++;
    if (reads > 5 && reads < 20) throw new ErrataError('E_SECRET_MISSING', 'secret_file: key is empty');
    return 'between us';
  });
  const told = new Set<string | null>();
  const watch = setInterval(() => told.add(sink.health()), 10);
  t.after(() => clearInterval(watch));
  const records = Array.from({ length: 30 }, (_, offset) => recordAt(offset));
  assert.deepEqual(await sink.write(records), []);
  assert.deepEqual(posted.toSorted(), records.map(({ offset }) => `t/0/${offset}`).toSorted(), 'each once');
  assert.match([...told].join(), /webhook: E_SECRET_MISSING: secret_file: key is empty; \d wait/);
});

test('where one record fails, nothing is posted any more once `write` has rejected', async (t) => {
  const { sink, posted } = await opened(t, () => 'between us');
  const records = Array.from({ length: 30 }, (_, offset) => recordAt(offset));
  Object.defineProperty(records[0], 'value', {
    get: () => {
      throw new Error('it cannot be read');
    },
  });
  await assert.rejects(sink.write(records), /it cannot be read/);
  const then = posted.length;
  await delay(200);
  assert.equal(posted.length, then);
});

async function opened(t: TestContext, secret: () => string) {
  const posted: string[] = [];
  const server = createServer(async (request, response: ServerResponse) => {
    posted.push(String(request.headers['idempotency-key']));
    await delay(5);
    response.writeHead(204).end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => server.close());
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  const options = { format: 'json', timeout_ms: 5_000, concurrency: 4 } as const;
  const place = { namespace: 'n', topology: 't', name: 'hook' };
  const ports = { place, message: 'alert', partition: 0, log: pino({ level: 'silent' }) } as const;
  const { signal } = new AbortController();
  const read = { url: () => url, secret, token: () => undefined };
  return { posted, sink: new WebhookSink({ ...read, ...options }, { ...ports, signal }) };
}

function recordAt(offset: number): SinkRecord {
  const key = Buffer.from(`k${offset % 6}`);
  return { topic: 't', partition: 0, offset, timestamp_ms: 0, key, value: Buffer.from('{}'), headers: {} };
}
