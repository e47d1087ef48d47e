/** 10,000 requests of any kind: each is answered with 2xx or 4xx, and what was accepted is what stands in the log. */
import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { readTopic } from '../harness/read_topic.ts';
import { until } from '../harness/until.ts';
import { ingestRun, prediction, rating } from './ingest_run.ts';

const REQUESTS = 10_000;
const LANES = 16;

interface FuzzedRequest {
  method: string;
  path: string;
  headers: Record<string, string>;
  body: Buffer;
}

let ids = 0;
const id = fc.constant(null).map(() => `p${ids++}`);
const extra = fc.dictionary(
  fc.oneof(fc.string(), fc.constantFrom('rating', 'timestamp', 'event_id', '__proto__', 'input_stats')),
  fc.jsonValue(),
  { maxKeys: 2 },
);
const record = fc
  .tuple(
    id,
    fc.boolean(),
    fc.oneof({ weight: 3, arbitrary: fc.constant({}) }, { weight: 1, arbitrary: extra }),
  )
  .map(([one, is_prediction, more]) => (is_prediction ? prediction(one, more) : rating(one, more)));
const records = fc.oneof(
  { weight: 6, arbitrary: fc.array(record, { maxLength: 6 }) },
  { weight: 1, arbitrary: fc.array(fc.jsonValue() as fc.Arbitrary<object>, { maxLength: 3 }) },
);
const text = fc.tuple(records, fc.constantFrom('array', 'lines', 'one')).map(([all, form]) => {
  if (form === 'array') return JSON.stringify(all);
  return form === 'one' ? JSON.stringify(all[0] ?? {}) : all.map((one) => JSON.stringify(one)).join('\n');
});
const damaged = fc
  .tuple(text, fc.nat(), fc.string({ unit: 'binary', maxLength: 3 }))
  .map(([whole, at, inserted]) => {
    const place = at % (whole.length + 1);
    return whole.slice(0, place) + inserted + whole.slice(place + (at % 3));
  });
const body = fc.oneof(
  { weight: 6, arbitrary: text.map((one) => Buffer.from(one)) },
  { weight: 3, arbitrary: damaged.map((one) => Buffer.from(one)) },
  { weight: 1, arbitrary: fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)) },
);
const headers = fc.record(
  {
    'content-type': fc.oneof(
      fc.constantFrom('application/json', 'text/plain;charset=UTF-8', 'application/x-ndjson'),
      fc.constantFrom(
        '',
        'application/xml',
        'multipart/form-data; boundary=x',
        'application/json; charset="',
        '/',
      ),
    ),
    'content-encoding': fc.constantFrom('identity', 'gzip', 'GZIP', 'br', ''),
    'idempotency-key': fc.stringMatching(/^[!-~]{1,3}$/),
    authorization: fc.constantFrom('Bearer', 'Bearer x', 'Basic eDp5'),
    origin: fc.constantFrom('null', 'http://127.0.0.1', 'https://evil.example.com', 'x'),
    'transfer-encoding': fc.constant('chunked'),
  },
  { requiredKeys: [] },
);
const request: fc.Arbitrary<FuzzedRequest> = fc
  .record({
    method: fc.oneof(
      { weight: 20, arbitrary: fc.constant('POST') },
      { weight: 1, arbitrary: fc.constantFrom('GET', 'PUT', 'DELETE', 'OPTIONS', 'HEAD', 'PATCH') },
    ),
    path: fc.oneof(
      { weight: 20, arbitrary: fc.constantFrom('/v1/predictions', '/v1/feedback') },
      {
        weight: 1,
        arbitrary: fc.constantFrom(
          '/',
          '/v1/feedback/',
          '/v1/feedback?x=%zz',
          '/v1//feedback',
          '/%',
          '*',
          '/health',
        ),
      },
    ),
    headers: fc.oneof(
      { weight: 2, arbitrary: fc.constant({ 'content-type': 'application/json' }) },
      { weight: 2, arbitrary: fc.constant({ 'content-type': 'application/x-ndjson' }) },
      { weight: 2, arbitrary: headers },
    ),
    body,
    zips: fc.boolean(),
  })
  .map(({ zips, ...given }): FuzzedRequest => {
    const { 'content-encoding': encoding } = given.headers as Record<string, string>;
    const is_zipped = zips && encoding?.toLowerCase() === 'gzip';
    const headers = given.headers as Record<string, string>;
    return { ...given, headers, body: is_zipped ? gzipSync(given.body) : given.body };
  });

/** As bytes on a connection, since no client would send all of it. */
function send(port: number, { method, path, headers: given, body: sent }: FuzzedRequest): Promise<string> {
  const is_chunked = 'transfer-encoding' in given;
  const framing = is_chunked ? [] : [`content-length: ${sent.length}`];
  const lines = Object.entries(given).map(([name, value]) => `${name}: ${value}`);
  const head = [`${method} ${path} HTTP/1.1`, 'host: 127.0.0.1', 'connection: close', ...lines, ...framing];
  const chunk =
    sent.length === 0 ? [] : [Buffer.from(`${sent.length.toString(16)}\r\n`), sent, Buffer.from('\r\n')];
  const content = is_chunked ? [...chunk, Buffer.from('0\r\n\r\n')] : [sent];
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const socket = connect(port, '127.0.0.1');
  let answer = '';
  socket.on('data', (data) => {
    answer += data.toString('latin1');
  });
  // It may close before it has read a body that it does not want.
  socket.on('error', () => undefined);
  socket.once('close', () =>
    answer === '' ? reject(new Error(`no answer to ${head.join()}`)) : resolve(answer),
  );
  socket.write(Buffer.concat([Buffer.from(`${head.join('\r\n')}\r\n\r\n`, 'latin1'), ...content]));
  return promise;
}

interface Answer {
  status: number;
  accepted: number;
}

function parse(answer: string): Answer {
  const status = Number(/^HTTP\/1\.1 (\d{3})/.exec(answer)?.[1]);
  const accepted = Number(/"accepted":(\d+)/.exec(answer.slice(answer.indexOf('\r\n\r\n')))?.[1] ?? 0);
  return { status, accepted };
}

test('no request, whatever it is, brings the ingest out of step', { timeout: 200_000 }, async (t) => {
  const { process, url, ledger } = await ingestRun(t);
  const port = Number(new URL(url).port);
  const requests = fc.sample(request, { numRuns: REQUESTS, seed: 7 });
  // The answer of a key that comes again counts no further records.
  const counted = new Map<string, boolean>();
  const accepted = { '/v1/predictions': 0, '/v1/feedback': 0 };
  const statuses = new Map<number, number>();
  const queue = requests.values();
  const lanes = Array.from({ length: LANES }, async () => {
    for (const one of queue) {
      const key = one.headers['idempotency-key'];
      const { status, accepted: count } = parse(await send(port, one));
      assert(
        (status >= 200 && status < 300) || (status >= 400 && status < 500),
        `${status} for ${JSON.stringify({ ...one, body: one.body.toString('latin1') })}`,
      );
      statuses.set(status, (statuses.get(status) ?? 0) + 1);
      const path = one.path.split('?')[0] as keyof typeof accepted;
      const place = `${path} ${key}`;
      if (status !== 202 || (key !== undefined && counted.has(place))) continue;
      if (key !== undefined) counted.set(place, true);
      accepted[path] += count;
    }
  });
  await Promise.all(lanes);

  const brokers = await process.brokers();
  assert.equal((await readTopic(brokers, 'predictions')).length, accepted['/v1/predictions']);
  assert.equal((await readTopic(brokers, 'feedback')).length, accepted['/v1/feedback']);
  await until(async () => {
    const { sources } = await ledger();
    return (
      sources.predictions?.taken_in === accepted['/v1/predictions'] &&
      sources.feedback?.taken_in === accepted['/v1/feedback']
    );
  }, 'all are taken in');
  assert.equal((await ledger()).sum_ok, true);
  t.diagnostic(`${JSON.stringify(accepted)} ${JSON.stringify(Object.fromEntries(statuses))}`);
  assert(accepted['/v1/predictions'] > 1_000 && accepted['/v1/feedback'] > 1_000);
});
