import assert from 'node:assert/strict';
import { test } from 'node:test';
import { refusalOf } from './pubsub_limits.ts';

const message = { data: Buffer.from('x'), attributes: {}, ordering_key: '' };
const named = (count: number) =>
  Object.fromEntries(Array.from({ length: count }, (_, index) => [`a${index}`, '']));

test('what is just within the limits passes', () => {
  for (const one of [
    message,
    { ...message, data: Buffer.alloc(10_000_000) },
    { ...message, attributes: named(100) },
    { ...message, attributes: { ['n'.repeat(256)]: 'v'.repeat(1024) } },
    { ...message, ordering_key: 'k'.repeat(1024) },
    { ...message, data: Buffer.alloc(0), attributes: { a: '' } },
  ])
    assert.equal(refusalOf(one), null);
});

test('what is just beyond them is refused with what is too much', () => {
  const cases = [
    [{ data: Buffer.alloc(10_000_001) }, /10000001 bytes/],
    [{ data: Buffer.alloc(9_999_999), attributes: { a: 'b' } }, /10000001 bytes/],
    [{ attributes: named(101) }, /101 attributes/],
    [{ attributes: { ['n'.repeat(257)]: '' } }, /257 bytes/],
    [{ attributes: { a: 'é'.repeat(513) } }, /"a" has 1026 bytes/],
    [{ attributes: { googclient: '' } }, /Google's/],
    [{ attributes: { '': 'x' } }, /no name/],
    [{ ordering_key: 'é'.repeat(513) }, /ordering key has 1026 bytes/],
    [{ data: Buffer.alloc(0) }, /neither data nor attributes/],
  ] as const;
  for (const [part, reason] of cases) assert.match(refusalOf({ ...message, ...part }) ?? '', reason);
});
