import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { summariseInput } from './input_stats.ts';

const NO_NUMBERS = { input_stats: undefined, non_finite: 0 };

describe('the summary of an input', () => {
  it('says shape, mean, population standard deviation, minimum and maximum', () => {
    const input_stats = { mean: 4, std: Math.sqrt(10), min: 0, max: 8 };
    const expected = { input_shape: [2, 2], input_stats, non_finite: 0 };
    assert.deepEqual(
      summariseInput([
        [0, 8],
        [2, 6],
      ]),
      expected,
    );
    assert.deepEqual(summariseInput({ values: Float32Array.of(0, 8, 2, 6), shape: [2, 2] }), expected);
    assert.deepEqual(summariseInput(Float32Array.of(0, 8, 2, 6)), { ...expected, input_shape: [4] });
  });

  it('takes a row of typed arrays, and says null where lengths differ', () => {
    assert.deepEqual(summariseInput([Uint8Array.of(1, 1), Uint8Array.of(1)])?.input_shape, [2, null]);
  });

  it('leaves numbers that are none out of the statistics and counts them', () => {
    assert.deepEqual(summariseInput([1, Number.NaN, 3, Number.POSITIVE_INFINITY]), {
      input_shape: [4],
      input_stats: { mean: 2, std: 1, min: 1, max: 3 },
      non_finite: 2,
    });
    assert.deepEqual(summariseInput([]), { input_shape: [0], ...NO_NUMBERS });
    assert.equal(summariseInput([1e300, -1e300])?.input_stats, undefined);
  });

  it('says nothing of what is not made of numbers', () => {
    for (const input of [
      'text',
      7,
      null,
      undefined,
      ['1', 2],
      [[1], [null]],
      { length: 1 },
      new DataView(new ArrayBuffer(8)),
    ])
      assert.equal(summariseInput(input), undefined);
    const circular: unknown[] = [];
    circular.push(circular);
    assert.equal(summariseInput(circular), undefined);
  });

  it('agrees with the definition, also where the numbers lie far from zero', () => {
    const numbers = fc.array(fc.double({ noNaN: true, min: -1e3, max: 1e3 }), {
      minLength: 1,
      maxLength: 50,
    });
    fc.assert(
      fc.property(numbers, fc.constantFrom(0, 1e6), (values, offset) => {
        const shifted = values.map((value) => value + offset);
        const mean = shifted.reduce((sum, value) => sum + value, 0) / shifted.length;
        const variance = shifted.reduce((sum, value) => sum + (value - mean) ** 2, 0) / shifted.length;
        const { mean: actual_mean, std, min, max } = summariseInput(shifted)!.input_stats!;
        assert(Math.abs(actual_mean - mean) < 1e-6);
        assert(Math.abs(std ** 2 - variance) < 1e-6 * (1 + variance));
        assert.deepEqual([min, max], [Math.min(...shifted), Math.max(...shifted)]);
      }),
    );
  });
});
