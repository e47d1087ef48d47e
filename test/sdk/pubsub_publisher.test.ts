/** What applications publish to Pub/Sub through the SDK, on Google's own fake. */
import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { decode } from '../../messages/decode.ts';
import { captureServing, FeedbackClient } from '../../sdk/index.ts';
import { type PubSubPublisherOptions, pubSubPublisher } from '../../sdk/pubsub_publisher.ts';
import { GRPC, onPubsubFake, PROJECT, type PubsubFake } from '../harness/pubsub_fake.ts';
import { until } from '../harness/until.ts';

const MODEL = { deployment_id: 'spam', model_version: 'v1' };

async function open(fake: PubsubFake, t: TestContext, options: Partial<PubSubPublisherOptions> = {}) {
  process.env.METADATA_SERVER_DETECTION ??= 'none';
  const client = { projectId: PROJECT, apiEndpoint: fake.address, emulatorMode: true };
  const publisher = pubSubPublisher({ client, ...options });
  t.after(() => publisher.close());
  return {
    publisher,
    capture: captureServing({ publisher, ...MODEL }),
    feedback: new FeedbackClient({ publisher }),
  };
}

async function createTopics(fake: PubsubFake, t: TestContext, ...names: string[]): Promise<void> {
  const client = fake.client();
  t.after(() => client.close());
  for (const name of names) await client.createTopic(name);
}

onPubsubFake(
  'predictions and feedback arrive whole, with the prediction id as an attribute',
  async (fake, t) => {
    await createTopics(fake, t, 'predictions', 'feedback');
    const { capture, feedback } = await open(fake, t);
    const ids = Array.from({ length: 300 }, (_, number) =>
      capture.capture({
        prediction_id: `größe-${number}`,
        input: { text: 'x'.repeat(number) },
        output: 'ham',
      }),
    );
    feedback.captureExplicitFeedback({ prediction_id: ids[0]!, session_id: 's', rating: 2 });
    assert.deepEqual([(await capture.flush()).published, (await feedback.flush()).published], [300, 1]);

    const messages = await fake.messages('predictions');
    assert.deepEqual(messages.map(({ attributes }) => attributes.prediction_id).sort(), ids.toSorted());
    for (const { data, attributes } of messages) {
      const decoded = decode(data);
      assert.ok(decoded.kind === 'prediction' && decoded.value.prediction_id === attributes.prediction_id);
    }
    const [said] = await fake.messages('feedback');
    assert.equal(decode(said!.data).kind, 'feedback');
  },
);

onPubsubFake('both kinds may share a topic, and a long id is no attribute', async (fake, t) => {
  await createTopics(fake, t, 'all');
  const { capture, feedback } = await open(fake, t, { topics: { prediction: 'all', feedback: 'all' } });
  const prediction_id = capture.capture({ prediction_id: '€'.repeat(512) });
  await capture.flush();
  feedback.captureImplicitFeedback({
    prediction_id,
    session_id: 's',
    user_action: 'click',
    time_to_action: 1,
  });
  await feedback.flush();
  const messages = await fake.messages('all');
  assert.deepEqual(
    messages.map(({ data }) => decode(data).kind),
    ['prediction', 'feedback'],
  );
  assert.ok(messages.every(({ attributes }) => Object.keys(attributes).length === 0));
});

onPubsubFake('an outage is waited for, and said to be one', async (fake, t) => {
  await createTopics(fake, t, 'predictions', 'feedback');
  await fake.inject({ method: 'Publish', code: GRPC.PERMISSION_DENIED, times: 3 });
  const { capture, publisher } = await open(fake, t);
  capture.capture({ output: 1 });
  await until(() => publisher.stats().last_problem !== undefined, 'the problem is told');
  assert.match(publisher.stats().last_problem!, /PERMISSION_DENIED/);
  assert.deepEqual(await capture.flush(), {
    captured: 1,
    published: 1,
    dropped: 0,
    failed: 0,
    last_problem: undefined,
  });
  assert.equal((await fake.messages('predictions')).length, 1);
});

onPubsubFake('a topic that is not there fails in time, and nothing else', async (fake, t) => {
  const { capture, publisher } = await open(fake, t, { delivery_timeout_ms: 300 });
  capture.capture({ output: 1 });
  const { failed, last_problem } = await capture.flush();
  assert.equal(failed, 1);
  assert.match(last_problem!, /NOT_FOUND/);
  await assert.rejects(publisher.heartbeat('prediction', 1), { code: 'E_PUBLISH' });
});
