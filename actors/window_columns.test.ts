/** What the columns are made of, beyond the sizes that they begin with. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { addToBin, type Bins } from './bins.ts';
import { HistogramPages } from './histogram_pages.ts';
import { KeyTable } from './key_table.ts';

function numberOf(table: KeyTable, fields: readonly string[]): number {
  table.begin();
  for (const field of fields) {
    const bytes = Buffer.from(`|${field}|`);
    table.field(bytes, 1, bytes.length - 1);
  }
  return table.number();
}

test('keys are numbered in the order in which they are first seen, however many there are', () => {
  const table = new KeyTable();
  const keys = Array.from({ length: 5_000 }, (_, index) => [`d-${index}`, 'v'.repeat(index % 40)]);
  for (const round of [1, 2])
    for (const [index, key] of keys.entries()) assert.equal(numberOf(table, key), index, `round ${round}`);
  assert.equal(table.size, keys.length);
  table.clear();
  assert.equal(numberOf(table, keys[7]!), 0);
});

test('fields that run together to the same bytes are different keys', () => {
  const table = new KeyTable();
  const field = fc.constantFrom('', 'a', 'ab', 'b', 'ü');
  const known = new Map<string, number>();
  fc.assert(
    fc.property(fc.tuple(field, field), (key) => {
      const id = JSON.stringify(key);
      if (!known.has(id)) known.set(id, known.size);
      assert.equal(numberOf(table, key), known.get(id));
    }),
  );
});

const FIRST_BIN = -64;
const END_BIN = 100;
const count = fc.record({
  row: fc.integer({ min: 0, max: 300 }),
  bin: fc.integer({ min: FIRST_BIN, max: END_BIN - 1 }),
});

test('histograms count like a map per row, also after they were cleared', () => {
  const pages = new HistogramPages(FIRST_BIN, END_BIN);
  fc.assert(
    fc.property(fc.array(count, { maxLength: 2_000, size: 'max' }), (counts) => {
      const rows = new Map<number, Bins>();
      for (const { row, bin } of counts) {
        pages.count(row, bin);
        const bins = rows.get(row) ?? {};
        addToBin(bins, bin, false, 1);
        rows.set(row, bins);
      }
      for (let row = 0; row <= 301; row++) assert.deepEqual(pages.bins(row), rows.get(row) ?? {});
      pages.clear();
    }),
    { numRuns: 20 },
  );
});
