/** Histograms count as a table of all bins does, whether they are kept as a list or by page, and in whatever order they are put together. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { addToBin, type Bins, FEW_MAX, mergeBins, totalOf, walkBins } from './bins.ts';

interface Counted {
  bin: number;
  is_negative: boolean;
  weight: number;
}

const counted: fc.Arbitrary<Counted> = fc.record({
  bin: fc.integer({ min: -90, max: 90 }),
  is_negative: fc.boolean(),
  weight: fc.constantFrom(1, 1, 1, -1, 3),
});
const positive = counted.map((one) => ({ ...one, is_negative: false }));
const parts = fc.array(
  fc.oneof(
    fc.array(positive, { maxLength: 20 }),
    fc.array(positive, { minLength: FEW_MAX, maxLength: 3 * FEW_MAX, size: 'max' }),
    fc.array(counted, { maxLength: 20 }),
  ),
  { minLength: 1, maxLength: 4 },
);

function binsOf(list: readonly Counted[]): Bins {
  let bins: Bins = [];
  for (const { bin, is_negative, weight } of list) bins = addToBin(bins, bin, is_negative, weight);
  return bins;
}

/** From the lowest value to the highest. */
function tableOf(list: readonly Counted[]): string[] {
  const table = new Map<number, { counted: Counted; count: number }>();
  for (const one of list) {
    const place = one.is_negative ? -1_000 - one.bin : 1_000 + one.bin;
    const count = (table.get(place)?.count ?? 0) + one.weight;
    table.set(place, { counted: one, count });
  }
  return [...table]
    .filter(([, { count }]) => count !== 0)
    .sort(([a], [b]) => a - b)
    .map(([, { counted: one, count }]) => `${one.is_negative ? '-' : ''}${one.bin}: ${count}`);
}

function walked(bins: Bins): string[] {
  const found: string[] = [];
  walkBins(bins, (bin, is_negative, count) => found.push(`${is_negative ? '-' : ''}${bin}: ${count}`) > 0);
  return found;
}

test('bins that are put together are those of a table of all', () => {
  fc.assert(
    fc.property(parts, (lists) => {
      let sum: Bins = [];
      const given = lists.map(binsOf);
      const before = JSON.stringify(given);
      for (const bins of given) sum = mergeBins(sum, bins);
      assert.equal(JSON.stringify(given), before, 'what is added stays as it is');
      const all = lists.flat();
      assert.deepEqual(walked(sum), tableOf(all));
      assert.equal(
        totalOf(sum),
        all.reduce((total, { weight }) => total + weight, 0),
      );
      assert.deepEqual(walked(JSON.parse(JSON.stringify(sum)) as Bins), walked(sum));
    }),
  );
});

test('what is taken back leaves nothing, and few bins take one list', () => {
  fc.assert(
    fc.property(parts, (lists) => {
      const all = lists.flat();
      const taken_back = all.map((one) => ({ ...one, weight: -one.weight }));
      assert.deepEqual(Object.keys(mergeBins(binsOf(all), binsOf(taken_back))), []);
    }),
  );
  assert.ok(
    Array.isArray(
      binsOf(Array.from({ length: FEW_MAX }, (_, bin) => ({ bin, is_negative: false, weight: 1 }))),
    ),
  );
  assert.ok(
    !Array.isArray(
      binsOf(Array.from({ length: FEW_MAX + 1 }, (_, bin) => ({ bin, is_negative: false, weight: 1 }))),
    ),
  );
});

test('a walk ends where it is told to', () => {
  for (const length of [3, 100]) {
    const seen: number[] = [];
    walkBins(
      binsOf(Array.from({ length }, (_, bin) => ({ bin, is_negative: false, weight: 1 }))),
      (bin) => seen.push(bin) < 2,
    );
    assert.deepEqual(seen, [0, 1]);
  }
});
