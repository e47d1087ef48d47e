/** Numbers are found wherever the protocols put them. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { summariseInput } from '../sdk/input_stats.ts';
import type { Protocol } from './inference_route.ts';
import { numericInput } from './tensors.ts';

function summary(protocol: Protocol, request: unknown) {
  const input = numericInput(protocol, request);
  const found = input === undefined ? undefined : summariseInput(input);
  return found && { shape: found.input_shape, ...found.input_stats };
}

const ONE_TO_FOUR = { mean: 2.5, std: Math.sqrt(1.25), min: 1, max: 4 };

test('TensorFlow Serving: rows, columns, named features, examples', () => {
  const rows = [
    [1, 2],
    [3, 4],
  ];
  assert.deepEqual(summary('tf_serving', { instances: rows }), { shape: [2, 2], ...ONE_TO_FOUR });
  assert.deepEqual(summary('tf_serving', { inputs: rows }), { shape: [2, 2], ...ONE_TO_FOUR });
  assert.deepEqual(summary('tf_serving', { inputs: { x: rows, name: 'a' } }), {
    shape: [2, 2],
    ...ONE_TO_FOUR,
  });
  const named = [{ x: [1, 2] }, { x: [3, 4] }];
  assert.deepEqual(summary('tf_serving', { instances: named }), { shape: [2, 2], ...ONE_TO_FOUR });
  const examples = [
    { age: 1, height: 2, city: 'Rome' },
    { age: 3, height: 4, city: 'Oslo' },
  ];
  assert.deepEqual(summary('tf_serving', { examples }), { shape: [2, 2], ...ONE_TO_FOUR });
});

test('KServe: the tensor in its shape, several together, no text', () => {
  const tensor = { name: 'x', shape: [2, 2], datatype: 'FP32', data: [1, 2, 3, 4] };
  const text = { name: 'y', shape: [1], datatype: 'BYTES', data: ['1'] };
  assert.deepEqual(summary('kserve_v2', { inputs: [tensor, text] }), { shape: [2, 2], ...ONE_TO_FOUR });
  const halves = [
    { ...tensor, data: [1, 2], shape: [2] },
    { ...tensor, data: [3, 4], shape: [2] },
  ];
  assert.deepEqual(summary('kserve_v2', { inputs: halves }), { shape: [2, 2], ...ONE_TO_FOUR });
});

test('where there are none, there are none', () => {
  const nothing = [
    null,
    7,
    'text',
    [],
    {},
    { instances: ['a'] },
    { instances: [{ b64: 'aGk=' }] },
    { inputs: [] },
  ];
  for (const protocol of ['tf_serving', 'kserve_v2'] as const)
    for (const request of nothing) assert.equal(summary(protocol, request), undefined);
});

test('whatever is sent, it never throws', () => {
  let deep: unknown = [1];
  for (let level = 0; level < 10_000; level++) deep = [deep];
  assert.equal(summary('tf_serving', { instances: deep }), undefined);
  const request = fc.dictionary(fc.constantFrom('instances', 'inputs', 'examples'), fc.jsonValue());
  fc.assert(
    fc.property(request, fc.constantFrom('tf_serving', 'kserve_v2'), (body, protocol) => {
      summary(protocol as Protocol, body);
    }),
  );
});
