/** The ingest as applications and web pages use it, in front of the embedded broker. */
import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import { after, before, describe, it, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import type { Readiness } from '../../admin/routes/ready.ts';
import { BrokerChild } from '../harness/broker_child.ts';
import { temporaryFolder } from '../harness/embedded.ts';
import { ErrataProcess } from '../harness/errata_process.ts';
import { freePort } from '../harness/kafka_node.ts';
import { readTopic } from '../harness/read_topic.ts';
import { until } from '../harness/until.ts';
import { type IngestRun, ingestRun, post, prediction, rating, startIngest } from './ingest_run.ts';

const NDJSON = 'application/x-ndjson';
const JSON_TYPE = 'application/json';

describe('an ingest on this machine', () => {
  let run: IngestRun;
  const closing: (() => unknown)[] = [];
  before(async () => {
    run = await ingestRun(
      { after: (close) => void closing.push(close as () => unknown) },
      { settings: ', max_body: 1m, max_records: 10' },
    );
  });
  after(async () => {
    for (const close of closing.reverse()) await close();
  });

  it('what was answered with 202 stands in the topic, byte for byte, and in the ledger', async () => {
    const one = `{ "prediction_id":"p1", "timestamp": ${Date.now()}.0,"deployment_id":"d","model_version":"é" }`;
    const single = await post(run.url, '/v1/predictions', { body: one, type: JSON_TYPE });
    assert.deepEqual([single.status, single.accepted, single.errors], [202, 1, []]);

    const array = `[ ${JSON.stringify(prediction('p2'))} ,\n${JSON.stringify(prediction('p3'))}]`;
    assert.equal((await post(run.url, '/v1/predictions', { body: array, type: JSON_TYPE })).accepted, 2);

    const lines = [rating('p1'), rating('p2')].map((record) => JSON.stringify(record)).join('\r\n\n');
    assert.equal((await post(run.url, '/v1/feedback', { body: lines, type: NDJSON })).accepted, 2);
    const zipped = await post(run.url, '/v1/feedback', {
      body: gzipSync(JSON.stringify([rating('p3')])),
      type: JSON_TYPE,
      headers: { 'content-encoding': 'gzip' },
    });
    assert.equal(zipped.accepted, 1);
    // As sent by navigator.sendBeacon, and by fetch without a word on what it sends.
    for (const type of ['text/plain;charset=UTF-8', undefined]) {
      const body = Buffer.from(
        JSON.stringify(rating('p1', { feedback_type: 'implicit', user_action: 'logout' })),
      );
      const told = await post(run.url, '/v1/feedback', { body, ...(type === undefined ? {} : { type }) });
      assert.equal(told.status, 202);
    }

    const brokers = await run.process.brokers();
    const predictions = await readTopic(brokers, 'predictions');
    assert.deepEqual(predictions.map(({ key }) => String(key)).sort(), ['p1', 'p2', 'p3']);
    const first = predictions.find(({ key }) => String(key) === 'p1');
    assert.equal(String(first?.value), one);
    assert.deepEqual(first?.headers, {});
    assert.equal((await readTopic(brokers, 'feedback')).length, 5);

    await until(async () => {
      const { sources } = await run.ledger();
      return sources.predictions?.taken_in === 3 && sources.feedback?.taken_in === 5;
    }, 'all are taken in');
    assert.equal((await run.ledger()).sum_ok, true);
  });

  it('a record at fault is named by its index, the others go in', async () => {
    const body = JSON.stringify([
      rating('fault-1'),
      rating('fault-2', { rating: 9 }),
      prediction('fault-3'),
      { feedback_type: 'explicit' },
      17,
      rating('fault-4'),
    ]);
    const told = await post(run.url, '/v1/feedback', { body, type: JSON_TYPE });
    assert.deepEqual([told.status, told.accepted], [202, 2]);
    assert.deepEqual(
      told.errors?.map(({ index, code }) => [index, code]),
      [
        [1, 'rating_out_of_range'],
        [2, 'wrong_kind'],
        [3, 'missing_id'],
        [4, 'not_an_object'],
      ],
    );
    const none = await post(run.url, '/v1/feedback', { body: '[{},{"a":1}{]', type: JSON_TYPE });
    assert.deepEqual([none.status, none.code], [400, 'E_REQUEST']);
    const refused = await post(run.url, '/v1/feedback', { body: '{}\n{', type: NDJSON });
    assert.deepEqual([refused.status, refused.code, refused.accepted], [400, 'E_RECORDS_REFUSED', 0]);
    assert.equal(refused.errors?.length, 2);
    assert.deepEqual(await run.keysOf('feedback', 'fault'), ['fault-1', 'fault-4']);
  });

  it('limits, types and routes that are none', async () => {
    const status = async (path: string, asked: Parameters<typeof post>[2]) => {
      const { status, code } = await post(run.url, path, asked);
      return `${status} ${code}`;
    };
    const large = ' '.repeat(1024 * 1024 + 1);
    assert.equal(await status('/v1/feedback', { body: large }), '413 E_BODY_TOO_LARGE');
    const bomb = { body: gzipSync(large), headers: { 'content-encoding': 'gzip' } };
    assert.equal(await status('/v1/feedback', bomb), '413 E_BODY_TOO_LARGE');
    const many = JSON.stringify(Array(11).fill(rating('many')));
    assert.equal(await status('/v1/feedback', { body: many }), '413 E_TOO_MANY_RECORDS');
    assert.equal(await status('/v1/feedback', { body: '', type: 'text/xml' }), '415 E_MEDIA_TYPE');
    // As curl sends it with -d and no -H.
    const form = await post(run.url, '/v1/feedback', {
      body: JSON.stringify(rating('form')),
      type: 'application/x-www-form-urlencoded',
    });
    assert.match(`${form.code}: ${form.hint}`, /^E_MEDIA_TYPE: .*-H 'content-type: application\/json'/);
    const brotli = { body: '{}', headers: { 'content-encoding': 'br' } };
    assert.equal(await status('/v1/feedback', brotli), '415 E_MEDIA_TYPE');
    const no_zip = { body: '{}', headers: { 'content-encoding': 'gzip' } };
    assert.equal(await status('/v1/feedback', no_zip), '400 E_REQUEST');
    assert.equal(await status('/v1/other', { body: '{}' }), '404 E_UNKNOWN_ROUTE');
    assert.equal(await status('/v1/feedback', { body: '' }), '400 E_RECORDS_REFUSED');
    assert.equal((await post(run.url, '/v1/feedback', { body: '[]' })).accepted, 0);
    assert.equal((await fetch(`${run.url}/health`)).status, 200);
  });

  it('a repeated request gets the same answer, and is written once', async () => {
    const asked = {
      body: JSON.stringify([rating('repeated'), {}]),
      headers: { 'idempotency-key': 'request-1' },
    };
    // The first two at once.
    const told = await Promise.all([
      post(run.url, '/v1/feedback', asked),
      post(run.url, '/v1/feedback', asked),
    ]);
    told.push(await post(run.url, '/v1/feedback', asked));
    for (const { status, accepted, errors } of told) {
      assert.deepEqual([status, accepted, errors?.length], [202, 1, 1]);
    }
    const other = await post(run.url, '/v1/feedback', { ...asked, body: JSON.stringify(rating('p2')) });
    assert.deepEqual([other.status, other.code], [422, 'E_IDEMPOTENCY_KEY']);
    assert.deepEqual(await run.keysOf('feedback', 'repeated'), ['repeated']);
  });

  it('without a token, a page of another name cannot write on this machine', async () => {
    const body = JSON.stringify(rating('p'));
    const foreign = await post(run.url, '/v1/feedback', {
      body,
      headers: { origin: 'https://evil.example.com' },
    });
    assert.deepEqual([foreign.status, foreign.code], [403, 'E_FOREIGN_ORIGIN']);
    const { request } = await import('node:http');
    const { promise, resolve } = Promise.withResolvers<number | undefined>();
    const rebound = request(`${run.url}/v1/feedback`, {
      method: 'POST',
      headers: { host: 'evil.example.com' },
    });
    rebound.once('response', ({ statusCode }) => resolve(statusCode)).end(body);
    assert.equal(await promise, 403);
  });
});

test('with dedupe, a repetition is dropped by another process, too', async (t) => {
  const [data_dir, port] = [temporaryFolder(t), await freePort()];
  const options = { data_dir, port, source: ', dedupe: 1h' };
  const asked = {
    body: JSON.stringify([rating('p1'), rating('p2', { event_id: 'e2' })]),
    headers: { 'idempotency-key': 'request-1' },
  };
  const first = await ingestRun(t, options);
  assert.equal((await post(first.url, '/v1/feedback', asked)).accepted, 2);
  assert.equal(await first.process.terminate(), 0);
  const second = await ingestRun(t, options);
  assert.equal((await post(second.url, '/v1/feedback', asked)).accepted, 2);
  assert.equal((await post(second.url, '/v1/feedback', { body: JSON.stringify(rating('p3')) })).accepted, 1);
  const brokers = await second.process.brokers();
  await until(async () => (await readTopic(brokers, 'feedback')).length >= 3, 'they come through');
  const keys = (await readTopic(brokers, 'feedback')).map(({ key }) => String(key));
  assert.deepEqual(keys.sort(), ['p1', 'p2', 'p3']);
});

test('with a token, nobody comes in without; feedback of pages does, if that is wanted', async (t) => {
  const settings = ', token_env: INGEST_TOKEN, open_feedback: true, cors: ["https://app.example.com"]';
  const { url } = await ingestRun(t, { settings, env: { INGEST_TOKEN: 'secret' } });
  const ask = async (path: string, record: object, headers: Record<string, string>) => {
    const told = await post(url, path, { body: JSON.stringify(record), type: 'text/plain', headers });
    return told.code ?? told.status;
  };
  const none = {};
  assert.equal(await ask('/v1/predictions', prediction('p'), none), 'E_TOKEN_MISSING');
  const wrong = { authorization: 'Bearer wrong' };
  assert.equal(await ask('/v1/predictions', prediction('p'), wrong), 'E_TOKEN_WRONG');
  const right = { authorization: 'Bearer secret' };
  assert.equal(await ask('/v1/predictions', prediction('p'), right), 202);
  assert.equal(await ask('/v1/feedback', rating('p'), none), 202);
  const page = { origin: 'https://app.example.com' };
  assert.equal(await ask('/v1/feedback', rating('p'), page), 202);
  const foreign = { origin: 'https://evil.example.com' };
  assert.equal(await ask('/v1/feedback', rating('p'), foreign), 'E_FOREIGN_ORIGIN');

  const preflight = await fetch(`${url}/v1/feedback`, {
    method: 'OPTIONS',
    headers: { ...page, 'access-control-request-method': 'POST' },
  });
  assert.equal(preflight.status, 204);
  assert.equal(preflight.headers.get('access-control-allow-origin'), 'https://app.example.com');
  assert.match(preflight.headers.get('access-control-allow-headers')!, /idempotency-key/i);
  const refused = await fetch(`${url}/v1/feedback`, {
    method: 'OPTIONS',
    headers: { ...foreign, 'access-control-request-method': 'POST' },
  });
  assert.equal(refused.headers.get('access-control-allow-origin'), null);
});

test('while Kafka is away, clients are told to come again; then they get through, each once', async (t) => {
  const broker = await BrokerChild.start(t);
  const env = { KAFKA_BROKERS: broker.address };
  const { process, url } = await ingestRun(t, { settings: ', timeout: 1s, max_pending: 1m', env });
  const send = (id: string) => {
    const body = JSON.stringify(rating(id, { timestamp: 1.7e9, comment: 'x'.repeat(400_000) }));
    return post(url, '/v1/feedback', { body, headers: { 'idempotency-key': id } });
  };
  assert.equal((await send('before')).status, 202);
  await broker.kill();
  const slow = await send('slow');
  assert.deepEqual([slow.status, slow.code], [429, 'E_NOT_ACKNOWLEDGED']);
  assert.equal(slow.headers.get('retry-after'), '1');
  await send('second');
  const busy = await send('third');
  assert.deepEqual([busy.status, busy.code], [429, 'E_BUSY']);
  const { body } = await process.ask<{ ready: boolean }>('GET', '/ready');
  assert.equal(body.ready, false);

  await broker.start();
  for (const id of ['slow', 'second', 'third'])
    await until(async () => (await send(id)).status === 202, `${id} gets through`);
  const keys = (await readTopic(broker.address, 'feedback')).map(({ key }) => String(key));
  assert.deepEqual(keys.sort(), ['before', 'second', 'slow', 'third']);
});

test('a port that is taken is no end: the process says so, and comes in once it is free', async (t) => {
  const port = await freePort();
  const blocking = createServer().listen(port, '127.0.0.1');
  t.after(() => blocking.close());
  const starting = await startIngest(t, { port });
  const { topologies } = await starting.process.answer<Readiness>('/ready', ({ topologies: [one] }) =>
    /E_PORT_IN_USE/.test(one?.reason ?? ''),
  );
  assert.equal(topologies[0]!.ready, false);
  blocking.close();
  await starting.process.ready();
  const body = JSON.stringify(rating('p'));
  assert.equal((await post(starting.url, '/v1/feedback', { body })).status, 202);
});

test('an ingest for everybody without a token is a mistake of the topology', async (t) => {
  const file = new ErrataProcess(t, { command: ['lint', 'test/connectors/open_ingest.yaml'] });
  assert.equal(await file.exited, 1);
  assert.match(file.stdout, /E_CONNECTOR.*0\.0\.0\.0.*token/);
});
