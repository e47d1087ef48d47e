/** A model that is captured goes on inferring while its Kafka is away, in memory that does not grow. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import tf from '@tensorflow/tfjs';
import { captureLayer } from '../../sdk/capture_layer.ts';
import { kafkaPublisher } from '../../sdk/kafka_publisher.ts';

const INFERENCES = 20_000;
const BUFFERED = 500;
const MAX_GROWTH_BYTES = 16 * 1024 * 1024;

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

function heldBytes(): number {
  collectGarbage();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

test('20,000 inferences without a broker: right answers, what is too much dropped and counted', async (t) => {
  const publisher = kafkaPublisher({
    brokers: ['127.0.0.1:9'],
    max_buffered: BUFFERED,
    close_timeout_ms: 50,
  });
  t.after(() => publisher.close());
  const layer = captureLayer({ publisher, inputShape: [64], deployment_id: 'digits', model_version: 'v1' });
  const model = tf.sequential({ layers: [layer] });
  let early_bytes = 0;
  for (let number = 0; number < INFERENCES; number++) {
    const input = tf.fill([1, 64], number);
    const output = model.predict(input) as tf.Tensor;
    if (number % 1_000 === 0) assert.equal(output.dataSync()[63], number);
    tf.dispose([input, output]);
    if (number % 50 === 0) await nextTurn();
    if (number === INFERENCES / 4) early_bytes = heldBytes();
  }
  const growth = heldBytes() - early_bytes;
  assert.ok(growth < MAX_GROWTH_BYTES, `${growth} bytes more after three times as many`);

  const { captured, published, dropped, failed, last_problem } = layer.stats();
  assert.deepEqual([captured, published, dropped, failed], [INFERENCES, 0, INFERENCES - BUFFERED, 0]);
  assert.equal(last_problem, 'the buffer is full');
  assert.match(publisher.stats().last_problem!, /ECONNREFUSED|connect/i);
  assert.ok(publisher.stats().buffered <= BUFFERED);
  await publisher.close();
  assert.equal(layer.stats().failed, BUFFERED);
});
