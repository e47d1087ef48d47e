import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseMegabytes } from './byte_size.ts';

test('sizes are whole numbers with a unit', () => {
  assert.deepEqual(['512m', '2g'].map(parseMegabytes), [512, 2048]);
  for (const wrong of ['1', '0m', '1.5g', '1t', '-1g'])
    assert.throws(() => parseMegabytes(wrong), { code: 'E_SIZE' });
});
