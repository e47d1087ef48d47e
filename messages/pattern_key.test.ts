import assert from 'node:assert/strict';
import { it } from 'node:test';
import fc from 'fast-check';
import { patternKey } from './pattern_key.ts';

it('truncates towards zero, as int() does in Python', () => {
  assert.equal(patternKey({ mean: -0.4, std: 0.99 }), 'mean_0_std_0');
  assert.equal(patternKey({ mean: -1.9, std: 2 }), 'mean_-1_std_2');
  assert.equal(patternKey({ mean: -0, std: 7.0000001 }), 'mean_0_std_7');
});

it('writes all digits of large numbers', () => {
  // Python 3: int(1e22), int(-1.5e300) begins so and has 301 digits.
  assert.equal(patternKey({ mean: 1e22, std: 2 ** 53 }), 'mean_10000000000000000000000_std_9007199254740992');
  const [, mean] = /^mean_-(\d+)_std_0$/.exec(patternKey({ mean: -1.5e300, std: 0 }))!;
  assert.equal(mean!.length, 301);
});

it('names the whole number next to zero, whatever the value', () => {
  const value = fc.double({ noNaN: true, noDefaultInfinity: true });
  fc.assert(
    fc.property(value, value, (mean, std) => {
      const [, whole_mean, whole_std] = /^mean_(-?\d+)_std_(-?\d+)$/.exec(patternKey({ mean, std }))!;
      assert.equal(Number(whole_mean), Math.trunc(mean) + 0);
      assert.equal(Number(whole_std), Math.trunc(std) + 0);
    }),
  );
});
