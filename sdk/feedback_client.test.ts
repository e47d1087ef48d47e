import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { decode } from '../messages/decode.ts';
import { BufferedPublisher } from './buffered_publisher.ts';
import { type ExplicitFeedback, FeedbackClient, type ImplicitFeedback } from './feedback_client.ts';
import { MemoryTransport } from './testing.ts';

const NOW = 1_700_000_000_000;
const ids = { prediction_id: 'p1', session_id: 's1' };

function setUp() {
  const transport = new MemoryTransport();
  const publisher = new BufferedPublisher(transport, { linger_ms: 0 });
  return { transport, client: new FeedbackClient({ publisher, now: () => NOW }) };
}

function reason(call: (client: FeedbackClient) => unknown): string {
  const { client } = setUp();
  try {
    call(client);
  } catch (thrown) {
    assert(thrown instanceof Error && 'code' in thrown && thrown.code === 'E_FEEDBACK');
    assert.equal(client.stats().captured, 0);
    return thrown.message.replace('the feedback is not valid: ', '');
  }
  return 'taken';
}

const explicit = (said: object) => reason((client) => client.captureExplicitFeedback({ ...ids, ...said }));
const implicit = (done: object) =>
  reason((client) =>
    client.captureImplicitFeedback({ ...ids, user_action: 'click', time_to_action: 1, ...done }),
  );

describe('the feedback client', () => {
  it('publishes what people said and did, keyed by the prediction', async () => {
    const { transport, client } = setUp();
    const said = client.captureExplicitFeedback({
      ...ids,
      rating: 2,
      comment: 'no',
      label: 'ham',
      user_id: 'u',
    });
    const done = client.captureImplicitFeedback({
      ...ids,
      user_action: 'search',
      time_to_action: 31.5,
      timestamp: '2024-01-01T00:00:00Z',
      event_id: 'e1',
    });
    const { published } = await client.flush();
    assert.equal(published, 2);
    assert.equal(done, 'e1');
    assert.deepEqual(transport.keys, ['p1', 'p1']);
    assert.deepEqual(transport.records, [
      {
        ...ids,
        timestamp: NOW,
        event_id: said,
        user_id: 'u',
        feedback_type: 'explicit',
        rating: 2,
        comment: 'no',
        label: 'ham',
      },
      {
        ...ids,
        timestamp: '2024-01-01T00:00:00Z',
        event_id: 'e1',
        feedback_type: 'implicit',
        user_action: 'search',
        time_to_action: 31.5,
      },
    ]);
  });

  it('says at once what is wrong', () => {
    assert.equal(explicit({}), 'explicit feedback needs a rating, a comment or a label');
    assert.equal(explicit({ rating: 1 }), 'taken');
    assert.equal(explicit({ rating: 5 }), 'taken');
    assert.equal(explicit({ rating: 5.1 }), 'rating must be <= 5, not 5.1');
    assert.equal(explicit({ rating: 0 }), 'rating must be >= 1, not 0');
    assert.equal(explicit({ rating: Number.NaN }), 'rating must be a number, not NaN');
    assert.equal(explicit({ rating: '4' }), 'rating must be a number, not 4');
    assert.equal(
      explicit({ rating: 4, prediction_id: '' }),
      'prediction_id must be a text, not an empty one',
    );
    assert.equal(explicit({ rating: 4, session_id: undefined }), 'session_id must be a text, not undefined');
    assert.equal(explicit({ rating: 4, timestamp: 'today' }), 'timestamp "today" is no point in time');
    assert.equal(implicit({ time_to_action: -1 }), 'time_to_action must be >= 0, not -1');
    assert.equal(implicit({ time_to_action: 0 }), 'taken');
    assert.equal(implicit({ time_to_action: undefined }), 'time_to_action must be a number, not undefined');
    assert.equal(implicit({ user_action: 7 }), 'user_action must be a text, not number');
    assert.match(explicit({ comment: 'x'.repeat(300_000) }), /bytes, 262144 are allowed/);
  });

  it('drops after close, and counts it', async () => {
    const { client } = setUp();
    await client.close();
    client.captureExplicitFeedback({ ...ids, rating: 1 });
    const { captured, dropped } = client.stats();
    assert.deepEqual([captured, dropped], [1, 1]);
  });

  it('publishes only what errata takes', async () => {
    const text = fc.string({ unit: 'binary', minLength: 1, maxLength: 20 });
    const explicitly: fc.Arbitrary<ExplicitFeedback> = fc.record({
      prediction_id: text,
      session_id: text,
      comment: text,
      rating: fc.double({ min: 1, max: 5, noNaN: true }),
      label: fc.anything({ maxDepth: 1, withBigInt: true }),
    });
    const implicitly: fc.Arbitrary<ImplicitFeedback> = fc.record({
      prediction_id: text,
      session_id: text,
      user_action: text,
      time_to_action: fc.double({ min: 0, noNaN: true, noDefaultInfinity: true }),
    });
    await fc.assert(
      fc.asyncProperty(explicitly, implicitly, async (said, done) => {
        const { transport, client } = setUp();
        client.captureExplicitFeedback(said);
        client.captureImplicitFeedback(done);
        await client.flush();
        const decoded = transport.messages.map(({ value }) => decode(value));
        assert.deepEqual(
          decoded.map(({ kind }) => kind),
          ['feedback', 'feedback'],
        );
        assert.deepEqual(
          transport.keys,
          decoded.map((each) => (each.kind === 'feedback' ? each.value.prediction_id : '')),
        );
      }),
      { numRuns: 60 },
    );
  });
});
