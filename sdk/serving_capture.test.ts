import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { decode } from '../messages/decode.ts';
import { BufferedPublisher, type BufferOptions } from './buffered_publisher.ts';
import type { Inference } from './prediction_message.ts';
import { captureServing, type ServingCaptureOptions } from './serving_capture.ts';
import { MemoryTransport, shutGate } from './testing.ts';

/** 2023-11-14T22:13:20Z. */
const NOW = 1_700_000_000_000;

function setUp(options: Partial<ServingCaptureOptions> = {}, buffer: Partial<BufferOptions> = {}) {
  const transport = new MemoryTransport();
  const publisher = new BufferedPublisher(transport, { linger_ms: 0, ...buffer });
  const capture = captureServing({
    publisher,
    deployment_id: 'spam',
    model_version: 'v1',
    now: () => NOW,
    serverLoad: () => 0.5,
    ...options,
  });
  return { transport, capture, publisher };
}

async function published(inference: Inference, options: Partial<ServingCaptureOptions> = {}) {
  const { transport, capture } = setUp(options);
  const prediction_id = capture.capture(inference);
  const { last_problem } = await capture.flush();
  return { prediction_id, record: transport.records[0], key: transport.keys[0], last_problem };
}

describe('captureServing', () => {
  it('publishes the complete context', async () => {
    const { prediction_id, record, key } = await published({
      input: { text: 'Win!' },
      numeric_input: [
        [1, 2],
        [3, 4],
      ],
      output: { label: 'spam', score: 0.9 },
      model_params: { threshold: 0.5 },
      latency_ms: 12.5,
      attributes: { country: 'IS' },
    });
    assert.equal(key, prediction_id);
    assert.deepEqual(record, {
      prediction_id,
      timestamp: NOW,
      model_version: 'v1',
      deployment_id: 'spam',
      input_shape: [2, 2],
      input_stats: { mean: 2.5, std: Math.sqrt(1.25), min: 1, max: 4 },
      input: { text: 'Win!' },
      output: { label: 'spam', score: 0.9 },
      model_params: { threshold: 0.5 },
      latency_ms: 12.5,
      server_load: 0.5,
      attributes: { hour_of_day: 22, country: 'IS' },
    });
  });

  it('prefers what the application knows', async () => {
    const own = {
      prediction_id: 'mail-1',
      timestamp: '2024-01-01T05:00:00Z',
      deployment_id: 'spam-eu',
      model_version: 'v2',
      server_load: 3,
      input_shape: [null, 3],
      input_stats: { mean: 1, std: 0 },
      attributes: { hour_of_day: 6 },
    };
    const { record, prediction_id } = await published({ ...own, input: [1, 2, 3] });
    assert.equal(prediction_id, 'mail-1');
    assert.deepEqual(record, { ...own, input: [1, 2, 3] });
  });

  it('takes the input itself for numeric if it is made of numbers', async () => {
    const { record } = await published({ input: Float32Array.of(0, 2) });
    assert.deepEqual(record?.input, [0, 2]);
    assert.deepEqual(record?.input_stats, { mean: 1, std: 1, min: 0, max: 2 });
    assert.equal((await published({ input: 'text' })).record?.input_stats, undefined);
  });

  it('copies typed arrays, which applications use again', async () => {
    const { transport, capture } = setUp();
    const pixels = Float32Array.of(1, 1);
    const boxed = { values: Float32Array.of(1, 1), shape: [1, 2] };
    capture.capture({ input: pixels });
    capture.capture({ numeric_input: boxed });
    pixels.fill(9);
    boxed.values.fill(9);
    await capture.flush();
    assert.deepEqual(
      transport.records.map(({ input_stats }) => input_stats),
      Array(2).fill({ mean: 1, std: 0, min: 1, max: 1 }),
    );
  });

  it('says when numbers were none, and publishes the prediction all the same', async () => {
    const computed = await published({ numeric_input: [1, Number.NaN] });
    assert.deepEqual(computed.record?.attributes, { hour_of_day: 22, non_finite_inputs: 1 });
    const given = await published({ input_stats: { mean: Number.NaN, std: 1 } });
    assert.equal(given.record?.input_stats, undefined);
    assert.deepEqual(given.record?.attributes, { hour_of_day: 22, left_out: ['input_stats'] });
  });

  it('publishes without input, then without output, what is too large', async () => {
    const limit = { max_record_bytes: 1_000 };
    const large = 'x'.repeat(1_000);
    const first = await published({ input: large, output: 'spam' }, limit);
    assert.equal(first.record?.input, undefined);
    assert.equal(first.record?.output, 'spam');
    assert.deepEqual(first.record?.attributes, { hour_of_day: 22, left_out: ['input'] });
    const second = await published({ input: 1, output: Array(1_000).fill(1) }, limit);
    assert.deepEqual(second.record?.attributes, { hour_of_day: 22, left_out: ['input', 'output'] });
    const third = await published({ model_params: large }, limit);
    assert.equal(third.record, undefined);
    assert.equal(third.last_problem, 'a prediction of more than 1000 bytes');
  });

  it('counts what would be no valid prediction as failed, and says why', async () => {
    const { transport, capture } = setUp();
    assert.equal(capture.capture({ prediction_id: '' }), '');
    capture.capture({ latency_ms: -1 });
    capture.capture({ timestamp: 'yesterday' });
    const stats = await capture.flush();
    assert.deepEqual(stats, {
      captured: 3,
      published: 0,
      dropped: 0,
      failed: 3,
      last_problem: 'not a valid prediction: timestamp "yesterday" is no point in time',
    });
    assert.deepEqual(transport.sent, []);
  });

  it('drops after close, but still gives an id', async () => {
    const { capture } = setUp();
    capture.capture({ output: 1 });
    await capture.close();
    assert.match(capture.capture({ output: 2 }), /^[0-9a-f-]{36}$/);
    const { published, dropped } = capture.stats();
    assert.deepEqual([published, dropped], [1, 1]);
  });

  it('holds no more than its bounds while nobody acknowledges', async () => {
    const { capture, publisher, transport } = setUp({}, { max_buffered: 50, max_buffered_bytes: 20_000 });
    const { gate, open } = shutGate();
    transport.gate = gate;
    for (let number = 0; number < 10_000; number++) {
      capture.capture({ input: 'x'.repeat(number % 700) });
      const { buffered, buffered_bytes } = publisher.stats();
      assert(buffered <= 50 && buffered_bytes <= 20_000);
    }
    open();
    const { captured, published, dropped, failed } = await capture.flush();
    assert.equal(captured, 10_000);
    assert.deepEqual([published + dropped, failed], [10_000, 0]);
    assert(published > 0 && published <= 50);
  });

  it('refuses options with which no prediction would be valid', () => {
    assert.throws(() => setUp({ deployment_id: '' }), { code: 'E_CAPTURE' });
    assert.throws(() => setUp({ model_version: 'v'.repeat(257) }), { code: 'E_CAPTURE' });
  });
});

/** What an application may say of an inference, hostile texts and keys included. */
const text = fc.string({ unit: 'binary', maxLength: 20 });
const something = fc.anything({ maxDepth: 2, withBigInt: true, withDate: true, withTypedArray: true });
const anyNumber = fc.double();
const inference: fc.Arbitrary<Inference> = fc.record(
  {
    prediction_id: fc.string({ unit: 'binary', minLength: 1, maxLength: 100 }),
    timestamp: fc.constantFrom(NOW, NOW / 1000, '2023-11-14T22:13:20'),
    input: fc.oneof(text, something),
    numeric_input: fc.oneof(fc.array(anyNumber), fc.array(fc.array(anyNumber)), fc.float32Array()),
    input_stats: fc.record({ mean: anyNumber, std: anyNumber, min: anyNumber, max: anyNumber }),
    output: something,
    model_params: something,
    latency_ms: fc.double({ min: 0, noNaN: true, noDefaultInfinity: true }),
    attributes: fc.dictionary(fc.oneof(text, fc.constant('__proto__')), something),
  },
  { requiredKeys: [] },
);

describe('every inference', () => {
  it('becomes a prediction that errata takes, under the id that was returned', async () => {
    await fc.assert(
      fc.asyncProperty(inference, async (given) => {
        const { transport, capture } = setUp();
        const prediction_id = capture.capture(given);
        assert.equal((await capture.flush()).last_problem, undefined);
        const decoded = decode(transport.messages[0]!.value);
        assert(decoded.kind === 'prediction', JSON.stringify(decoded));
        assert.equal(decoded.value.prediction_id, prediction_id);
        assert.equal(transport.keys[0], prediction_id);
        assert.equal(decoded.time_ms, NOW);
      }),
      { numRuns: 60 },
    );
  });

  it('never throws, whatever is handed over, and each is accounted for', async () => {
    const hostile = {
      get prediction_id(): string {
        throw new Error('hostile');
      },
    };
    const junk = fc.oneof(
      something,
      fc.constant(hostile),
      fc.dictionary(
        fc.constantFrom('prediction_id', 'timestamp', 'input', 'input_stats', 'attributes'),
        something,
      ),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(junk, { maxLength: 5 }), async (all) => {
        const { transport, capture } = setUp();
        for (const given of all) assert.equal(typeof capture.capture(given as Inference), 'string');
        const { captured, published, failed } = await capture.flush();
        assert.deepEqual([captured, published + failed], [all.length, all.length]);
        for (const { value } of transport.messages) assert.equal(decode(value).kind, 'prediction');
      }),
      { numRuns: 60 },
    );
  });
});
