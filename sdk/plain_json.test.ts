import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { MAX_NESTING, parseJsonObject } from '../messages/json_bytes.ts';
import { toPlainJson } from './plain_json.ts';

function plain(value: unknown): unknown {
  return toPlainJson(value, 0, 1_000_000);
}

describe('plain JSON', () => {
  it('leaves what is JSON as it is', () => {
    // The one key that errata refuses is renamed.
    const json = fc
      .jsonValue({ maxDepth: 5, stringUnit: 'grapheme' })
      .filter((value) => !JSON.stringify(value).includes('"__proto__":'));
    fc.assert(
      fc.property(json, (value) => {
        // -0 is 0 in JSON.
        assert.equal(JSON.stringify(plain(value)), JSON.stringify(value));
      }),
    );
  });

  it('says what JSON cannot say as near as it can', () => {
    const circular: Record<string, unknown> = { name: 'loop' };
    circular.self = circular;
    assert.deepEqual(
      plain({
        typed: Float64Array.of(1, Number.NaN),
        bytes: Buffer.from([1, 2]),
        big: [7n, 2n ** 70n],
        date: new Date(0),
        no_date: new Date(Number.NaN),
        list: [undefined, () => 1, Number.NEGATIVE_INFINITY],
        emoji: '\ud83d',
        circular,
      }),
      {
        typed: [1, null],
        bytes: [1, 2],
        big: [7, '1180591620717411303424'],
        date: '1970-01-01T00:00:00.000Z',
        no_date: null,
        list: [null, null, null],
        emoji: '\ufffd',
        circular: { name: 'loop', self: '[circular]' },
      },
    );
  });

  it('defuses keys that others take for a prototype', () => {
    const hostile: unknown = JSON.parse(
      '{"__proto__": {"admin": true}, "constructor": {"prototype": {"admin": true}}, "inner": {"constructor": "Ferrari"}}',
    );
    assert.equal(
      JSON.stringify(plain(hostile)),
      '{"[__proto__]":{"admin":true},"[constructor]":{"prototype":{"admin":true}},"inner":{"constructor":"Ferrari"}}',
    );
  });

  it('ends at the depth that readers take', () => {
    let nested: unknown[] = [];
    for (let level = 0; level < 10_000; level++) nested = [nested];
    const text = JSON.stringify(toPlainJson({ nested }, 0, 1_000_000));
    assert.equal(parseJsonObject(Buffer.from(text), 1_000_000).kind, 'object');
    // The object around them is a level too.
    const arrays = MAX_NESTING - 1;
    assert.equal(text, `{"nested":${'['.repeat(arrays)}"[nested too deep]"${']'.repeat(arrays)}}`);
  });

  it('ends after so many values, also where few objects say a lot', () => {
    let shared: unknown = 'leaf';
    for (let level = 0; level < 40; level++) shared = [shared, shared];
    assert.throws(() => toPlainJson(shared, 0, 1_000), { code: 'E_TOO_LARGE' });
    const endless = { toJSON: () => ({ toJSON: () => endless }) };
    assert.doesNotThrow(() => toPlainJson(endless, 0, 1_000));
  });

  it('makes of anything an object that readers take', () => {
    const anything = fc.anything({
      maxDepth: 3,
      withBigInt: true,
      withDate: true,
      withTypedArray: true,
      withSparseArray: true,
      withNullPrototype: true,
      withMap: true,
      withSet: true,
      key: fc.oneof(fc.string({ unit: 'binary' }), fc.constantFrom('__proto__', 'constructor', 'prototype')),
    });
    fc.assert(
      fc.property(anything, (value) => {
        const bytes = Buffer.from(JSON.stringify(plain({ value })));
        const parsed = parseJsonObject(bytes, 1_000_000);
        assert.equal(parsed.kind, 'object', parsed.kind === 'bad' ? parsed.message : '');
      }),
    );
  });
});
