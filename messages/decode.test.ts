import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { type Decoded, decode } from './decode.ts';

const prediction = {
  prediction_id: 'p1',
  timestamp: 1_700_000_000_000,
  model_version: 'v1',
  deployment_id: 'spam',
};
const feedback = {
  prediction_id: 'p1',
  session_id: 's1',
  feedback_type: 'explicit',
  timestamp: 1_700_000_000_500,
  rating: 2,
};

function bytes(value: unknown): Buffer {
  return Buffer.from(typeof value === 'string' ? value : JSON.stringify(value));
}

function codeOf(value: Buffer | null): string {
  const decoded = decode(value);
  return decoded.kind === 'bad' ? decoded.code : decoded.kind;
}

function refusal(value: unknown): Extract<Decoded, { kind: 'bad' }> {
  const decoded = decode(bytes(value));
  assert(decoded.kind === 'bad');
  return decoded;
}

describe('decode: good records', () => {
  it('tells predictions and feedback apart by their fields', () => {
    assert.equal(codeOf(bytes(prediction)), 'prediction');
    assert.equal(codeOf(bytes(feedback)), 'feedback');
    const with_identity = {
      ...feedback,
      deployment_id: 'spam',
      model_version: 'v1',
      input_stats: { mean: 1, std: 0 },
    };
    assert.equal(codeOf(bytes(with_identity)), 'feedback');
  });

  it('takes what the published Python layer sends: float seconds, no id, None', () => {
    const decoded = decode(
      bytes(
        '{"timestamp": 1700000000.25, "input_shape": [null, 3], "input_stats": {"mean": 0.1, "std": 1.0, "min": -2.5, "max": 3.0}, "model_version": "v1", "deployment_id": "spam", "prediction_id": null}',
      ),
    );
    assert(decoded.kind === 'prediction');
    assert.equal(decoded.time_ms, 1_700_000_000_250);
    assert.equal(decoded.value.prediction_id, undefined);
  });

  it('takes feedback with fields that are None and a time without a zone', () => {
    const decoded = decode(
      bytes({
        ...feedback,
        timestamp: '2023-11-14T22:13:20.500123',
        rating: null,
        comment: null,
        user_id: null,
      }),
    );
    assert(decoded.kind === 'feedback');
    assert.equal(decoded.time_ms, 1_700_000_000_500);
    assert.equal(decoded.value.user_id, undefined);
  });

  it('keeps an output that is null', () => {
    const decoded = decode(bytes({ ...prediction, output: null, event_id: null }));
    assert(decoded.kind === 'prediction');
    assert.equal(decoded.value.output, null);
  });

  it('reads a record that begins with a byte order mark', () => {
    assert.equal(codeOf(Buffer.concat([Buffer.from([0xef, 0xbb, 0xbf]), bytes(feedback)])), 'feedback');
  });

  it('takes the limits themselves: ratings 1 and 5, time_to_action 0, 64 levels, brackets in text', () => {
    for (const rating of [1, 5]) assert.equal(codeOf(bytes({ ...feedback, rating })), 'feedback');
    assert.equal(codeOf(bytes({ ...feedback, time_to_action: 0 })), 'feedback');
    const levels = (count: number) =>
      `{"input":${'['.repeat(count - 1)}${']'.repeat(count - 1)},${bytes(prediction).toString().slice(1)}`;
    assert.equal(codeOf(bytes(levels(64))), 'prediction');
    assert.equal(codeOf(bytes(levels(65))), 'nested_too_deep');
    assert.equal(codeOf(bytes({ ...feedback, comment: `\\"${'[{'.repeat(1000)}` })), 'feedback');
  });

  it('does not mind words that only look dangerous', () => {
    assert.equal(codeOf(bytes({ ...prediction, attributes: { constructor: 'Ferrari' } })), 'prediction');
    assert.equal(
      codeOf(bytes({ ...prediction, input: '__proto__ and constructor.prototype' })),
      'prediction',
    );
    assert.equal(codeOf(bytes({ ...feedback, comment: '\\ud83d\\ude00' })), 'feedback');
    assert.equal(
      codeOf(bytes(`${bytes(feedback).toString().slice(0, -1)},"comment":"\\ud83d\\ude00"}`)),
      'feedback',
    );
  });
});

/** Adds a member in the record's own text, for what JSON.stringify cannot write. */
function withMember(record: object, member: string): Buffer {
  return bytes(`${JSON.stringify(record).slice(0, -1)},${member}}`);
}

const broken: [what: string, value: Buffer | null, code: string][] = [
  ['not JSON', bytes('{"prediction_id": '), 'not_json'],
  ['bare NaN as Python writes it', withMember(feedback, '"time_to_action": NaN'), 'not_json'],
  ['wrong type', bytes({ ...feedback, rating: [4] }), 'wrong_type'],
  ['feedback_type of a wrong type', bytes({ ...feedback, feedback_type: 7 }), 'wrong_type'],
  ['NaN as string', bytes({ ...feedback, rating: 'NaN' }), 'not_a_number'],
  ['NaN as string, inside', bytes({ ...prediction, input_stats: { mean: 'nan', std: 1 } }), 'not_a_number'],
  ['no id', bytes({ ...feedback, prediction_id: undefined }), 'missing_id'],
  ['id that is null', bytes({ ...feedback, prediction_id: null }), 'missing_id'],
  ['id that is empty', bytes({ ...feedback, prediction_id: '' }), 'missing_id'],
  ['no timestamp', bytes({ ...feedback, timestamp: undefined }), 'missing_field'],
  ['empty', bytes(''), 'empty'],
  ['only spaces', bytes(' \n'), 'empty'],
  ['null value', null, 'null_value'],
  ['an array', bytes([feedback]), 'is_array'],
  ['a bare string', bytes('"hello"'), 'not_an_object'],
  ['JSON null', bytes('null'), 'not_an_object'],
  ['5 MB', bytes({ ...feedback, comment: 'x'.repeat(5_000_000) }), 'oversized'],
  [
    '10,000 levels',
    withMember(prediction, `"input":${'['.repeat(10_000)}${']'.repeat(10_000)}`),
    'nested_too_deep',
  ],
  ['10,000 levels never closed', bytes('{"a":'.repeat(10_000)), 'nested_too_deep'],
  ['unknown feedback type', bytes({ ...feedback, feedback_type: 'psychic' }), 'unknown_feedback_type'],
  ['rating too high', bytes({ ...feedback, rating: 5.01 }), 'rating_out_of_range'],
  ['rating too low', bytes({ ...feedback, rating: 0 }), 'rating_out_of_range'],
  ['negative time to act', bytes({ ...feedback, time_to_action: -1 }), 'negative_time_to_action'],
  ['year 1', bytes({ ...feedback, timestamp: '0001-01-01T00:00:00Z' }), 'timestamp_out_of_range'],
  ['year 1 in seconds', bytes({ ...feedback, timestamp: -62_135_596_800 }), 'timestamp_out_of_range'],
  ['year 10000', bytes({ ...feedback, timestamp: 253_402_300_800_000 }), 'timestamp_out_of_range'],
  ['a day without a time', bytes({ ...feedback, timestamp: '2024-01-01' }), 'timestamp_not_a_time'],
  ['text for a timestamp', bytes({ ...feedback, timestamp: 'yesterday' }), 'timestamp_not_a_time'],
  [
    'invalid UTF-8',
    Buffer.concat([bytes('{"comment":"'), Buffer.from([0xc3, 0x28]), bytes('"}')]),
    'invalid_utf8',
  ],
  [
    'a surrogate in UTF-8',
    Buffer.concat([bytes('{"a":"'), Buffer.from([0xed, 0xa0, 0x80]), bytes('"}')]),
    'invalid_utf8',
  ],
  ['a lone surrogate', withMember(feedback, '"comment":"\\ud800"'), 'lone_surrogate'],
  ['a lone surrogate in a key', withMember(feedback, '"\\ude00":1'), 'lone_surrogate'],
  ['__proto__ as key', withMember(feedback, '"__proto__":{"rating":1}'), 'forbidden_key'],
  ['__proto__ escaped', withMember(feedback, '"\\u005f_proto__":{}'), 'forbidden_key'],
  ['__proto__ inside', withMember(prediction, '"attributes":{"a":[{"__proto__":1}]}'), 'forbidden_key'],
  [
    'constructor.prototype',
    withMember(prediction, '"input":{"constructor":{"prototype":1}}'),
    'forbidden_key',
  ],
  ['1e999', withMember(prediction, '"latency_ms":1e999'), 'not_finite'],
  ['1e999 where anything may stand', withMember(prediction, '"input":[{"x":-1E999}]'), 'not_finite'],
  ['400 digits', withMember(prediction, `"input":${'9'.repeat(400)}`), 'not_finite'],
  ['fields of both kinds', bytes({ ...feedback, output: 'spam' }), 'both_kinds'],
  ['fields of neither kind', bytes({ prediction_id: 'p1', timestamp: 1.7e9 }), 'unknown_kind'],
  ['an id of 513 characters', bytes({ ...feedback, prediction_id: 'x'.repeat(513) }), 'too_long'],
];

describe('decode: broken records', () => {
  for (const [what, value, code] of broken) {
    it(`${what} → ${code}`, () => assert.equal(codeOf(value), code));
  }

  it('names the field and what was found', () => {
    assert.equal(refusal({ ...feedback, rating: 7 }).message, 'rating must be <= 5, not 7');
    assert.equal(refusal({ ...feedback, rating: '4' }).message, 'rating must be a number, not "4"');
    assert.equal(refusal({ ...prediction, input_stats: { mean: 1 } }).message, 'input_stats.std is missing');
    assert.equal(
      refusal({ ...feedback, feedback_type: 'psychic' }).message,
      'feedback_type must be explicit or implicit, not "psychic"',
    );
  });

  it('keeps the limit that it is given', () => {
    const value = bytes(feedback);
    assert.equal(decode(value, value.length).kind, 'feedback');
    assert.equal(decode(value, value.length - 1).kind, 'bad');
  });

  it('finds every number that is too large, however it is written', () => {
    const digits = fc.integer({ min: 1, max: 320 }).map((count) => '9'.repeat(count));
    const exponent = fc.tuple(fc.constantFrom('e', 'E', 'e+', 'e-'), fc.integer({ min: 0, max: 400 }));
    const number = fc.tuple(
      digits,
      fc.option(digits, { nil: undefined }),
      fc.option(exponent, { nil: undefined }),
    );
    fc.assert(
      fc.property(number, ([whole, fraction, power]) => {
        const text = `${whole}${fraction ? `.${fraction}` : ''}${power?.join('') ?? ''}`;
        const expected = Number.isFinite(Number(text)) ? 'prediction' : 'not_finite';
        assert.equal(codeOf(withMember(prediction, `"input":[${text}]`)), expected);
      }),
    );
  });

  it('never throws, whatever the bytes', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (noise) => void decode(Buffer.from(noise))));
  });

  it('never throws on a good record with any field replaced, and what passes can be written again', () => {
    const field = fc.constantFrom(...Object.keys({ ...prediction, ...feedback, input_stats: 0, output: 0 }));
    fc.assert(
      fc.property(fc.constantFrom(prediction, feedback), field, fc.json(), (record, name, json) => {
        const decoded = decode(withMember(record, `"${name}":${json}`));
        if (decoded.kind === 'bad') assert.match(decoded.code, /^[a-z_0-9]+$/);
        else assert.deepEqual(JSON.parse(JSON.stringify(decoded.value)), decoded.value);
      }),
    );
  });
});
