import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import tf from '@tensorflow/tfjs';
import { MathBackendCPU } from '@tensorflow/tfjs-backend-cpu';
import fc from 'fast-check';
import { decode } from '../messages/decode.ts';
import { BufferedPublisher, type BufferOptions } from './buffered_publisher.ts';
import {
  type CaptureLayer,
  type CaptureLayerOptions,
  captureLayer,
  connectCapture,
} from './capture_layer.ts';
import { MemoryTransport, shutGate } from './testing.ts';

const NOW = 1_700_000_000_000;
const NAMES = { deployment_id: 'digits', model_version: 'v1' };

function setUp(buffer: Partial<BufferOptions> = {}) {
  const transport = new MemoryTransport();
  const publisher = new BufferedPublisher(transport, { linger_ms: 0, ...buffer });
  return { transport, publisher };
}

/** A model of two layers, the same each time but for the layer in between. */
function modelWith(...between: tf.layers.Layer[]): tf.Sequential {
  const kernelInitializer = tf.initializers.glorotUniform({ seed: 7 });
  const model = tf.sequential();
  model.add(tf.layers.dense({ units: 8, inputShape: [4], activation: 'relu', kernelInitializer }));
  for (const layer of between) model.add(layer);
  model.add(tf.layers.dense({ units: 3, activation: 'softmax', kernelInitializer }));
  return model;
}

function layerOf(publisher: BufferedPublisher, options: Partial<CaptureLayerOptions> = {}): CaptureLayer {
  return captureLayer({ publisher, ...NAMES, now: () => NOW, serverLoad: () => 0.5, ...options });
}

async function predict(model: tf.LayersModel, input: tf.Tensor): Promise<Float32Array> {
  const output = model.predict(input) as tf.Tensor;
  const values = await output.data<'float32'>();
  output.dispose();
  return values;
}

function bits(values: Float32Array): string {
  return Buffer.from(values.buffer, values.byteOffset, values.byteLength).toString('hex');
}

describe('the capture layer', () => {
  it('publishes what the published layer does: no prediction id, shape and statistics of the input', async () => {
    const { transport, publisher } = setUp();
    const model = tf.sequential({ layers: [layerOf(publisher, { inputShape: [2] })] });
    const input = tf.tensor2d([
      [0, 8],
      [2, 6],
    ]);
    assert.deepEqual([...(await predict(model, input))], [0, 8, 2, 6]);
    await publisher.flush();
    assert.deepEqual(transport.records, [
      {
        timestamp: NOW,
        model_version: 'v1',
        deployment_id: 'digits',
        input_shape: [2, 2],
        input_stats: { mean: 4, std: Math.sqrt(10), min: 0, max: 8 },
        server_load: 0.5,
        attributes: { hour_of_day: 22 },
      },
    ]);
    assert.deepEqual(transport.keys, [null]);
    assert.equal(decode(transport.messages[0]!.value).kind, 'prediction');
  });

  it('adds what the application knows, asked within the inference', async () => {
    const { transport, publisher } = setUp();
    let prediction_id = 'p1';
    const context = () => ({ prediction_id, input: { text: 'Win!' } });
    const model = modelWith(layerOf(publisher, { context }));
    await predict(model, tf.ones([1, 4]));
    prediction_id = 'p2';
    await publisher.flush();
    assert.deepEqual(transport.keys, ['p1']);
    const [record] = transport.records;
    assert.deepEqual([record?.prediction_id, record?.input], ['p1', { text: 'Win!' }]);
    assert.deepEqual(record?.input_shape, [1, 8]);
  });

  it('changes no bit of any output', async () => {
    const { publisher } = setUp();
    const plain = modelWith();
    const first = captureLayer({ publisher, ...NAMES, inputShape: [4] });
    const captured = tf.sequential({ layers: [first, ...modelWith(layerOf(publisher)).layers] });
    const inputs = fc.array(fc.array(fc.float(), { minLength: 4, maxLength: 4 }), {
      minLength: 1,
      maxLength: 40,
    });
    await fc.assert(
      fc.asyncProperty(inputs, async (rows) => {
        const input = tf.tensor2d(rows);
        assert.equal(bits(await predict(captured, input)), bits(await predict(plain, input)));
        input.dispose();
      }),
      { numRuns: 50 },
    );
    assert.equal((await first.flush()).failed, 0);
    assert.ok(first.stats().published >= 50);
  });

  it('does nothing in training, which comes to the same weights', async () => {
    const { publisher } = setUp();
    const layer = layerOf(publisher);
    const [plain, captured] = await Promise.all([modelWith(), modelWith(layer)].map(trained));
    assert.deepEqual(layer.stats(), {
      captured: 0,
      published: 0,
      dropped: 0,
      failed: 0,
      last_problem: undefined,
    });
    assert.deepEqual(captured, plain);
    assert.ok(plain!.length > 0);
  });

  it('leaves no tensor behind', async () => {
    const { publisher } = setUp();
    const model = modelWith(layerOf(publisher));
    const input = tf.ones([2, 4]);
    await predict(model, input);
    const before = tf.memory().numTensors;
    for (let round = 0; round < 20; round++) await predict(model, input);
    await publisher.flush();
    assert.equal(tf.memory().numTensors, before);
  });

  it('is saved and loaded with its model, and publishes once it is connected', async () => {
    const { transport, publisher } = setUp();
    const model = modelWith(layerOf(publisher, { name: 'capture' }));
    let saved: tf.io.ModelArtifacts | undefined;
    await model.save(
      tf.io.withSaveHandler(async (artifacts) => {
        saved = artifacts;
        return { modelArtifactsInfo: { dateSaved: new Date(0), modelTopologyType: 'JSON' } };
      }),
    );
    // As a file holds it.
    const modelTopology = JSON.parse(JSON.stringify(saved!.modelTopology));
    const loaded = await tf.loadLayersModel(tf.io.fromMemory({ ...saved!, modelTopology }));
    assert.equal(bits(await predict(loaded, tf.ones([1, 4]))), bits(await predict(model, tf.ones([1, 4]))));
    const layer = loaded.getLayer('capture') as CaptureLayer;
    assert.deepEqual(layer.stats(), {
      captured: 1,
      published: 0,
      dropped: 1,
      failed: 0,
      last_problem: 'the layer has no publisher: see connectCapture',
    });
    const outer = tf.sequential({ layers: [loaded as tf.Sequential] });
    assert.deepEqual(connectCapture(outer, { publisher }), [layer]);
    await predict(outer, tf.ones([1, 4]));
    assert.equal((await layer.flush()).published, 1);
    assert.equal(transport.records.at(-1)?.deployment_id, 'digits');
    assert.throws(() => connectCapture(modelWith(), { publisher }), { code: 'E_CAPTURE' });
  });

  it('describes what was inferred on, though the application uses its array again', async () => {
    const { transport, publisher } = setUp();
    const model = tf.sequential({ layers: [layerOf(publisher, { inputShape: [2] })] });
    const frame = Float32Array.of(1, 1);
    model.predict(tf.tensor2d(frame, [1, 2]));
    frame.fill(9);
    await publisher.flush();
    assert.deepEqual(transport.records[0]?.input_stats, { mean: 1, std: 0, min: 1, max: 1 });
  });

  it('takes whole numbers and truth values, and of texts only the shape', async () => {
    const { transport, publisher } = setUp();
    const layer = layerOf(publisher);
    const inputs = [
      tf.tensor1d([1, 3], 'int32'),
      tf.tensor1d([true, false], 'bool'),
      tf.tensor1d(['a', 'b']),
    ];
    for (const input of inputs) layer.apply(input);
    await publisher.flush();
    assert.deepEqual(
      transport.records.map(({ input_shape, input_stats }) => [input_shape, input_stats]),
      [
        [[2], { mean: 2, std: 1, min: 1, max: 3 }],
        [[2], { mean: 0.5, std: 0.5, min: 0, max: 1 }],
        [[2], undefined],
      ],
    );
  });

  it('fails no inference: what the application throws is counted', async () => {
    const { publisher } = setUp();
    const layer = layerOf(publisher, {
      context: () => {
        throw new Error('no context');
      },
    });
    await predict(modelWith(layer), tf.ones([1, 4]));
    const { captured, failed, last_problem } = await layer.flush();
    assert.deepEqual([captured, failed, last_problem], [1, 1, 'no context']);
  });

  it('goes on with nobody to publish to, in bounded memory, and counts what it drops', async () => {
    const { transport, publisher } = setUp({ max_buffered: 100, max_buffered_bytes: 100_000 });
    const { gate, open } = shutGate();
    transport.gate = gate;
    const layer = layerOf(publisher);
    const model = modelWith(layer);
    const input = tf.ones([1, 4]);
    for (let number = 0; number < 5_000; number++) {
      tf.dispose(model.predict(input));
      // Some without a turn in between.
      if (number % 100 === 0) await delay(0);
      const { buffered, buffered_bytes } = publisher.stats();
      assert.ok(buffered <= 100 && buffered_bytes <= 100_000);
    }
    open();
    const { captured, published, dropped, failed } = await layer.flush();
    assert.deepEqual([captured, published + dropped, failed], [5_000, 5_000, 0]);
    assert.ok(published > 0 && published <= 200, `${published} published`);
  });

  it('never waits for numbers that are elsewhere, as on a graphics card', async (t) => {
    const { blocking_reads } = await useDistantBackend();
    t.after(() => tf.setBackend('cpu'));
    const { transport, publisher } = setUp();
    const layer = layerOf(publisher, { inputShape: [2] });
    const model = tf.sequential({ layers: [layer] });
    const before = blocking_reads();
    for (let number = 0; number < 10; number++) tf.dispose(model.predict(tf.tensor2d([[number, number]])));
    assert.equal(blocking_reads(), before);
    assert.equal((await layer.flush()).published, 10);
    const means = transport.records.map(({ input_stats }) => (input_stats as { mean: number }).mean);
    assert.deepEqual(means, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  });
});

async function trained(model: tf.Sequential): Promise<string[]> {
  model.compile({ optimizer: tf.train.sgd(0.1), loss: 'meanSquaredError' });
  const inputs = tf.tensor2d(
    Array.from({ length: 40 }, (_, number) => Math.sin(number)),
    [10, 4],
  );
  const answers = tf.tensor2d(
    Array.from({ length: 30 }, (_, number) => Math.cos(number)),
    [10, 3],
  );
  await model.fit(inputs, answers, { epochs: 3, shuffle: false, verbose: 0 });
  return model.getWeights().map((weight) => bits(weight.dataSync<'float32'>()));
}

/** The cpu backend, from which numbers come later, and which counts who will not wait for them. */
async function useDistantBackend(): Promise<{ blocking_reads: () => number }> {
  let blocking = 0;
  class DistantBackend extends MathBackendCPU {
    override async read(dataId: object) {
      const values = super.readSync(dataId).slice();
      await delay(5);
      return values;
    }
    override readSync(dataId: object) {
      blocking++;
      return super.readSync(dataId);
    }
  }
  tf.registerBackend('distant', () => new DistantBackend());
  for (const kernel of tf.getKernelsForBackend('cpu'))
    tf.registerKernel({ ...kernel, backendName: 'distant' });
  await tf.setBackend('distant');
  return { blocking_reads: () => blocking };
}
