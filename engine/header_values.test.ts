import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { kafkaHeaders, textHeaders } from './header_values.ts';

const name = fc.oneof(
  // Names that look like numbers come first in an object, whenever they were added.
  fc.string().map((text) => `h${text}`),
  fc.constantFrom('a', 'errata', 'errata.code', 'errata.base64.a', 'errata.repeated.0.a', 'errata.repeated.'),
);
const value = fc.oneof(
  fc.uint8Array({ maxLength: 8 }).map((bytes) => Buffer.from(bytes)),
  fc.string().map((text) => Buffer.from(text)),
);

test('whatever the headers are, written again they are the same bytes in the same order', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(name, value), { maxLength: 6 }), (headers) => {
      const written = kafkaHeaders(textHeaders(headers)).map(([one, text]) => [one, Buffer.from(text)]);
      assert.deepEqual(written, headers);
    }),
  );
});

test('a text is itself; bytes and repetitions say what they are', () => {
  const bytes = (text: string) => Buffer.from(text);
  assert.deepEqual(
    textHeaders([
      ['trace', bytes('00-ü')],
      ['id', Buffer.from([255, 0])],
      ['via', bytes('first')],
      ['via', Buffer.from([254])],
      ['via', bytes('last')],
      ['none', null],
    ]),
    {
      trace: '00-ü',
      'errata.base64.id': '/wA=',
      'errata.repeated.0.via': 'first',
      'errata.repeated.1.errata.base64.via': '/g==',
      via: 'last',
      none: '',
    },
  );
});
