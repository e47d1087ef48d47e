import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ARENA } from '../actors/entries_layout.ts';
import { ByteEntries, NONE } from './byte_entries.ts';

type Step = { type: 'put'; key: number; value: string } | { type: 'remove'; key: number };

const key = fc.nat(60);
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ type: fc.constant('put' as const), key, value: fc.string({ maxLength: 40 }) }),
  fc.record({ type: fc.constant('remove' as const), key }),
);

/** Addresses above have a sign for who takes them for signed. */
const HALF_OF_ALL_BYTES = 2 ** 31;

class Entries {
  readonly entries = new ByteEntries();

  constructor(skipped_bytes: number) {
    this.entries.memory.allocate(skipped_bytes);
  }

  apply(step: Step): void {
    const name = keyOf(step.key);
    const slot = this.entries.find(name, name.length);
    if (step.type === 'remove') {
      if (slot === NONE) return;
      this.entries.forget(slot);
      this.entries.release(slot);
      return;
    }
    const value = Buffer.from(step.value);
    if (slot !== NONE) this.entries.replace(slot, value, value.length);
    else {
      const added = this.entries.add(name, name.length, value, value.length, step.key);
      this.entries.setNotes(added, step.key + 1);
    }
  }

  contents(): Map<string, string> {
    return new Map(
      this.entries
        .slots()
        .map((slot) => [String(this.entries.keyOf(slot)), String(this.entries.valueOf(slot))]),
    );
  }
}

function keyOf(number: number): Buffer {
  return Buffer.from(`key ${number}`);
}

function isMap(skipped_bytes: number, runs: number): void {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 300 }), (steps) => {
      const entries = new Entries(skipped_bytes);
      const model = new Map<string, string>();
      for (const one of steps) {
        entries.apply(one);
        if (one.type === 'put') model.set(String(keyOf(one.key)), Buffer.from(one.value).toString());
        else model.delete(String(keyOf(one.key)));
      }
      assert.deepEqual(entries.contents(), model);
      assert.equal(entries.entries.size, model.size);
      for (let number = 0; number <= 60; number++) {
        const name = keyOf(number);
        const slot = entries.entries.find(name, name.length);
        assert.equal(slot !== NONE, model.has(String(name)));
        if (slot === NONE) continue;
        assert.equal(String(entries.entries.valueOf(slot)), model.get(String(name)));
        assert.deepEqual([entries.entries.expiry(slot), entries.entries.notes(slot)], [number, number + 1]);
      }
    }),
    { numRuns: runs },
  );
}

test('property: entries are a map, whatever is put, put anew and removed', () => isMap(0, 100));
test('property: they are also where they lie above 2 GB', () => isMap(HALF_OF_ALL_BYTES, 20));

test('state that outgrows what one memory can hold is told of, with what to do', () => {
  const entries = new ByteEntries();
  const tooMuch = () => entries.memory.allocate(2 * HALF_OF_ALL_BYTES);
  assert.throws(tooMuch, { code: 'E_STATE_TOO_LARGE', hint: /store: lmdb/ });
  assert.equal(entries.find(keyOf(1), 5), NONE);
});

test('a hundred thousand entries that come and go in turn keep the memory of those that are there', () => {
  const entries = new ByteEntries();
  const value = Buffer.alloc(200, 'v');
  const slots: number[] = [];
  for (let number = 0; number < 100_000; number++) {
    const name = keyOf(number);
    slots.push(entries.add(name, name.length, value, value.length, number));
    if (slots.length <= 10_000) continue;
    const oldest = slots.shift()!;
    entries.forget(oldest);
    entries.release(oldest);
  }
  assert.equal(entries.size, 10_000);
  // 2 MB of entries at a time, in pages of up to 4 MB.
  const pages = entries.memory.used(ARENA);
  assert.ok(pages < 10, `${pages} pages were needed`);
});

test('a value larger than a page has one of its own', () => {
  const entries = new ByteEntries();
  const name = keyOf(1);
  const value = Buffer.alloc(5_000_000, 'v');
  const slot = entries.add(name, name.length, value, value.length, 0);
  entries.add(keyOf(2), name.length, Buffer.from('small'), 5, 0);
  assert.ok(entries.valueOf(slot).equals(value));
  assert.equal(entries.find(keyOf(2), name.length) === NONE, false);
});
