/** What applications publish over HTTP: batches that are sent again until they are taken, and no message refused for another. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { type HttpPublisherOptions, httpPublisher } from '../../sdk/http_publisher.ts';
import { captureServing, FeedbackClient } from '../../sdk/index.ts';
import type { MessageKind, Publisher } from '../../sdk/publisher.ts';
import { IngestServer } from '../harness/ingest_server.ts';
import { until } from '../harness/until.ts';

const MODEL = { deployment_id: 'spam', model_version: 'v1' };

async function open(t: TestContext, options: Partial<HttpPublisherOptions> = {}) {
  const ingest = await IngestServer.start(t);
  const publisher = httpPublisher({ url: ingest.url, max_backoff_ms: 50, ...options });
  t.after(() => publisher.close());
  const capture = captureServing({ publisher, ...MODEL });
  return { ingest, publisher, capture, client: new FeedbackClient({ publisher }) };
}

/** A message that the SDK itself would not let through. */
function publishRaw(publisher: Publisher, kind: MessageKind, text: string): Promise<string> {
  return new Promise((settled) => {
    const draft = { size_bytes: text.length, write: () => ({ key: null, value: Buffer.from(text) }) };
    publisher.publish(kind, draft, (delivery) =>
      settled(delivery.outcome === 'published' ? 'published' : delivery.reason),
    );
  });
}

test('predictions and feedback arrive in batches, each at its own place', async (t) => {
  const { ingest, capture, client } = await open(t, { token: 'secret', headers: { 'x-team': 'mail' } });
  const ids = Array.from({ length: 2_500 }, (_, number) => capture.capture({ output: number }));
  client.captureExplicitFeedback({ prediction_id: ids[0]!, session_id: 's', rating: 2 });
  assert.deepEqual([(await capture.flush()).published, (await client.flush()).published], [2_500, 1]);
  const at = (path: string) => ingest.taken.filter((request) => request.path === path);
  const predictions = at('/v1/predictions').flatMap(({ records }) => records);
  assert.deepEqual(
    predictions.map(({ prediction_id }) => prediction_id),
    ids,
  );
  assert.equal(at('/v1/feedback').length, 1);
  assert.ok(ingest.taken.length <= 100, `${ingest.taken.length} requests`);
  for (const { headers, content_type } of ingest.taken) {
    assert.equal(content_type, 'application/x-ndjson');
    assert.deepEqual([headers.authorization, headers['x-team']], ['Bearer secret', 'mail']);
  }
});

test('what is not taken is sent again under the same key until it is', async (t) => {
  const { ingest, capture, publisher } = await open(t);
  const faults = [503, 500, 429, 401];
  ingest.fault = () => faults.shift();
  capture.capture({ output: 1 });
  await until(() => publisher.stats().last_problem !== undefined, 'the problem is told');
  assert.match(publisher.stats().last_problem!, /^the ingest answered \d+/);
  assert.equal((await capture.flush()).published, 1);
  assert.equal(ingest.asked.length, 5);
  assert.equal(new Set(ingest.asked.map(({ headers }) => headers['idempotency-key'])).size, 1);
  capture.capture({ output: 2 });
  await capture.flush();
  assert.equal(new Set(ingest.asked.map(({ headers }) => headers['idempotency-key'])).size, 2);
});

test('only the word of the ingest counts: no login page on the way, and no 200 of a proxy', async (t) => {
  const { ingest, capture, publisher } = await open(t);
  for (const [answer, problem] of [
    [new URL('/login?state=secret', ingest.url), /^the ingest answered 302 \(go to http:\S+\/login\)/],
    [200, /^the ingest answered 200/],
    [202, /^the ingest answered 202/],
  ] as const) {
    ingest.fault = ({ path }) => (path.startsWith('/login') ? 200 : answer);
    capture.capture({ output: 1 });
    await until(() => problem.test(publisher.stats().last_problem ?? ''), `${problem} is told`);
  }
  ingest.fault = () => undefined;
  assert.equal((await capture.flush()).published, 3);
  assert.equal(ingest.records.length, 3);
  assert.ok(ingest.asked.every(({ path }) => path === '/v1/predictions'));
});

test('a message that is refused fails alone, with the reason', async (t) => {
  const { publisher, ingest } = await open(t);
  const outcomes = await Promise.all(
    ['{"prediction_id":"p1"}', '{"rating":9}'].map((text) =>
      publishRaw(
        publisher,
        'feedback',
        JSON.stringify({ ...JSON.parse(text), session_id: 's', feedback_type: 'explicit', timestamp: 1e9 }),
      ),
    ),
  );
  assert.deepEqual(outcomes, ['published', 'prediction_id is missing']);
  assert.equal(ingest.records.length, 1);
});

test('what is too large for one request goes in several', async (t) => {
  const { ingest, capture } = await open(t);
  ingest.fault = ({ records }) =>
    records.length > 3 || records.some(({ output }) => output === 7) ? 413 : undefined;
  for (let number = 0; number < 10; number++) capture.capture({ output: number });
  const { published, failed, last_problem } = await capture.flush();
  assert.deepEqual([published, failed], [9, 1]);
  assert.match(last_problem!, /does not take requests of this size/);
  assert.equal(ingest.records.length, 9);
});

test('a slow ingest and one that is not there fail in time', async (t) => {
  const { ingest, capture } = await open(t, { timeout_ms: 50, delivery_timeout_ms: 200 });
  ingest.fault = () => new Promise(() => undefined);
  capture.capture({ output: 1 });
  assert.match((await capture.flush()).last_problem!, /not acknowledged within 200 ms: .*timeout/i);
  const away = httpPublisher({ url: 'http://127.0.0.1:9/errata', delivery_timeout_ms: 200 });
  const nowhere = captureServing({ publisher: away, ...MODEL });
  nowhere.capture({ output: 1 });
  assert.equal((await nowhere.flush()).failed, 1);
  await away.close();
  assert.throws(() => httpPublisher({ url: 'errata' }), { code: 'E_PUBLISH' });
});
