/** Records are found where they stand, in any JSON that may be around them. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { decode } from '../../messages/decode.ts';
import { recordSpans } from './body_records.ts';

const space = fc.constantFrom('', ' ', '\n', '\t ', '\r\n');
const value = fc.oneof(
  fc.json(),
  fc.json({ noUnicodeString: false }),
  fc.string().map((text) => JSON.stringify(text)),
);

function textsIn(body: Buffer, form: 'json' | 'ndjson'): string[] | undefined {
  return recordSpans(body, form)?.map(({ start, end }) => body.toString('utf8', start, end));
}

test('the elements of an array, as they are written', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(space, value, space)), space, (elements, around) => {
      const inner = elements.map(([before, text, after]) => before + text + after).join();
      const body = Buffer.from(`${around}[${inner}]${around}`);
      assert.deepEqual(
        textsIn(body, 'json'),
        elements.map(([, text]) => text),
      );
    }),
  );
});

test('the lines that are not empty', () => {
  const text = 'one\r\n\n  two \nthree';
  assert.deepEqual(textsIn(Buffer.from(text), 'ndjson'), ['one', 'two', 'three']);
  assert.deepEqual(textsIn(Buffer.from(`${text}\n`), 'ndjson'), ['one', 'two', 'three']);
  assert.deepEqual(textsIn(Buffer.from(''), 'ndjson'), []);
});

test('one object, and what is none', () => {
  assert.deepEqual(textsIn(Buffer.from(' {"a":[1]} '), 'json'), ['{"a":[1]}']);
  assert.deepEqual(textsIn(Buffer.from(''), 'json'), ['']);
  for (const broken of ['[', '[1', '[1]2', '[1]]', '["]', '["\\"]', '[{]'])
    assert.equal(textsIn(Buffer.from(broken), 'json'), undefined, broken);
  assert.deepEqual(textsIn(Buffer.from('[1,]'), 'json'), ['1', '']);
});

test('where every span is a record, the whole is JSON', () => {
  const record = JSON.stringify({
    prediction_id: 'p',
    timestamp: 1.7e9,
    deployment_id: 'd',
    model_version: 'v',
  });
  const damaged = fc
    .tuple(
      fc.array(fc.constant(record), { minLength: 1, maxLength: 4 }),
      fc.nat(),
      fc.constantFrom(...'[]{},:" \\1a'),
    )
    .map(([records, at, character]) => {
      const text = `[${records.join()}]`;
      const place = at % text.length;
      return text.slice(0, place) + character + text.slice(place + 1);
    });
  fc.assert(
    fc.property(damaged, (text) => {
      const body = Buffer.from(text);
      const spans = recordSpans(body, 'json');
      if (!spans?.every(({ start, end }) => decode(body.subarray(start, end)).kind !== 'bad')) return;
      JSON.parse(text);
    }),
    { numRuns: 2_000 },
  );
});
