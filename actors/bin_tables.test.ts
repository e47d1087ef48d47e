import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { binTables } from './bin_tables.ts';
import { binOf, SMALLEST } from './distribution.ts';

const FIRST_BIN = -352;
const LARGEST = 1e9;
const SHIFT = 46;
const { ends, cells } = binTables(FIRST_BIN, LARGEST, SHIFT);

function bitsOf(value: number): bigint {
  return new BigUint64Array(Float64Array.of(value).buffer)[0]!;
}

/** As the columns find it. */
function found(value: number): number {
  const cell = Number((bitsOf(value) >> BigInt(SHIFT)) - (bitsOf(SMALLEST) >> BigInt(SHIFT)));
  let bin = cells[cell]!;
  while (value >= ends[bin]!) bin++;
  return FIRST_BIN + bin;
}

test('a value has the bin that the logarithm says, also next to where bins meet', () => {
  const near = fc.tuple(
    fc.constantFrom(...ends),
    fc.constantFrom(1 - 2 ** -52, 1 - 2 ** -53, 1, 1 + 2 ** -52),
  );
  const value = fc.oneof(
    fc.double({ min: SMALLEST, max: LARGEST, noNaN: true }),
    near.map(([end, factor]) => Math.min(Math.max(end * factor, SMALLEST), LARGEST)),
    fc.constantFrom(SMALLEST, LARGEST, 1, 2, 1024),
  );
  fc.assert(
    fc.property(value, (drawn) => assert.equal(found(drawn), binOf(drawn))),
    { numRuns: 20_000 },
  );
});
