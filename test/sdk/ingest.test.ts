/** What the SDK publishes over HTTP, through errata's own ingest. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decode } from '../../messages/decode.ts';
import { httpPublisher } from '../../sdk/http_publisher.ts';
import { captureServing, FeedbackClient } from '../../sdk/index.ts';
import { ingestRun } from '../connectors/ingest_run.ts';
import { readTopic } from '../harness/read_topic.ts';
import { until } from '../harness/until.ts';

test('what was captured and said is joined at the other end', async (t) => {
  const { process, url, ledger } = await ingestRun(t);
  const publisher = httpPublisher({ url });
  t.after(() => publisher.close());
  const capture = captureServing({ publisher, deployment_id: 'spam', model_version: 'v1' });
  const client = new FeedbackClient({ publisher });
  const ids = Array.from({ length: 1_500 }, (_, number) =>
    capture.capture({ numeric_input: [number], output: `größe ${number}` }),
  );
  for (const prediction_id of ids.slice(0, 20))
    client.captureExplicitFeedback({ prediction_id, session_id: 's', rating: 1 });
  assert.deepEqual([(await capture.flush()).published, (await client.flush()).published], [1_500, 20]);

  await until(async () => (await ledger()).sources.feedback?.taken_in === 20, 'all feedback is taken in');
  await until(
    async () => (await ledger()).sources.predictions?.dispositions.joined === 20,
    'all feedback is joined',
  );
  assert.equal((await ledger()).sum_ok, true);
  const read = await readTopic(await process.brokers(), 'predictions');
  assert.deepEqual(read.map(({ key }) => String(key)).sort(), ids.toSorted());
  assert.ok(read.every(({ value }) => decode(value).kind === 'prediction'));
});

test('a token is shown, and a wrong one is told', async (t) => {
  const { url } = await ingestRun(t, { settings: ', token_env: TOKEN', env: { TOKEN: 'right' } });
  for (const [token, outcome] of [
    ['right', 'published'],
    ['wrong', 'failed'],
  ] as const) {
    const publisher = httpPublisher({ url, token, delivery_timeout_ms: token === 'wrong' ? 300 : 30_000 });
    const capture = captureServing({ publisher, deployment_id: 'spam', model_version: 'v1' });
    capture.capture({ output: 1 });
    const stats = await capture.flush();
    assert.equal(stats[outcome], 1, JSON.stringify(stats));
    if (outcome === 'failed') assert.match(stats.last_problem!, /the ingest answered 401/);
    await publisher.close();
  }
});
