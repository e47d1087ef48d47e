/** For tests: records as programs send them, and records as nobody should send them. */
import fc from 'fast-check';
import { NUMBERS, TEXTS } from './agreement.ts';

const id = fc.string({ unit: fc.constantFrom(...'abcXYZ0189-_:.'), minLength: 1, maxLength: 40 });
const words = fc.string({ unit: fc.constantFrom(...' abcdef"\\\n\t/äé漢😀'), maxLength: 60 });
const positive = fc.double({ min: 0, max: 1e6, noNaN: true });
const real = fc.double({ min: -1e9, max: 1e9, noNaN: true });
const moment_ms = fc.integer({ min: 1_000_000_000_000, max: 2_000_000_000_000 });
const timestamp = fc.oneof(
  moment_ms,
  moment_ms.map((time_ms) => time_ms / 1000),
  moment_ms.map((time_ms) => new Date(time_ms).toISOString()),
  moment_ms.map((time_ms) => new Date(time_ms).toISOString().replace(/Z$/, '123+01:30')),
  moment_ms.map((time_ms) => new Date(time_ms).toISOString().slice(0, 19)),
);
const stats = fc.record(
  { mean: real, std: positive, min: real, max: real },
  { requiredKeys: ['mean', 'std'] },
);
/** With depth to spare, and without the keys that only look dangerous. */
const free = fc.oneof(
  fc.constant(null),
  words,
  fc.array(real),
  fc.dictionary(id, fc.oneof(real, words, fc.array(real))),
);

const prediction = fc.record(
  {
    prediction_id: fc.oneof(id, fc.constant(null)),
    event_id: fc.oneof(id, fc.constant(null)),
    timestamp,
    model_version: id,
    deployment_id: fc.oneof(id, fc.constant('größe')),
    input_shape: fc.array(fc.oneof(fc.nat(), fc.constant(null))),
    input_stats: stats,
    input: free,
    output: free,
    model_params: free,
    latency_ms: positive,
    server_load: fc.double({ min: 0, max: 1, noNaN: true }),
    attributes: fc.dictionary(id, words),
    time_of_day: words,
  },
  { requiredKeys: ['timestamp', 'model_version', 'deployment_id'] },
);
const feedback = fc.record(
  {
    prediction_id: id,
    session_id: id,
    feedback_type: fc.constantFrom('explicit', 'implicit'),
    timestamp,
    rating: fc.oneof(
      fc.integer({ min: 1, max: 5 }),
      fc.double({ min: 1, max: 5, noNaN: true }),
      fc.constant(null),
    ),
    comment: fc.oneof(words, fc.constant(null)),
    label: free,
    user_action: fc.oneof(fc.constantFrom('click', 'search', 'logout'), fc.constant(null)),
    time_to_action: fc.oneof(positive, fc.constant(null)),
    user_id: fc.oneof(id, fc.constant(null)),
    event_id: id,
    deployment_id: id,
    model_version: id,
    input_stats: fc.oneof(stats, fc.constant(null)),
  },
  { requiredKeys: ['prediction_id', 'feedback_type', 'timestamp'] },
);

/** Object → text, with members in any order and white space as printers leave it. */
function printed(record: fc.Arbitrary<object>): fc.Arbitrary<Buffer> {
  return fc
    .tuple(
      record,
      fc.array(fc.nat(), { minLength: 16, maxLength: 16 }),
      fc.constantFrom(undefined, 1, '\t'),
      fc.constantFrom('', ' ', '\r\n'),
    )
    .map(([value, order, indent, behind]) => {
      const shuffled = Object.entries(value)
        .map((member, index) => [order[index]!, member] as const)
        .sort(([a], [b]) => a - b)
        .map(([, member]) => member);
      return Buffer.from(JSON.stringify(Object.fromEntries(shuffled), null, indent) + behind);
    });
}

/** What production sends. */
export const ordinaryRecord: fc.Arbitrary<Buffer> = printed(fc.oneof(prediction, feedback));

const digits = fc.string({ unit: fc.constantFrom(...'0123456789'), minLength: 1, maxLength: 22 });
const optional = (text: fc.Arbitrary<string>) => fc.oneof({ weight: 2, arbitrary: fc.constant('') }, text);
/** Numbers in every form, and some that JSON does not have. */
export const numberText: fc.Arbitrary<string> = fc
  .tuple(
    fc.constantFrom('', '', '-', '+'),
    fc.oneof(fc.constantFrom('0', '1', '00', '', '9007199254740993'), digits),
    optional(fc.oneof(digits, fc.constant('')).map((text) => `.${text}`)),
    optional(
      fc
        .tuple(
          fc.constantFrom('e', 'E', 'e-', 'e+'),
          fc.constantFrom('0', '5', '03', '22', '23', '99', '308', '400', ''),
        )
        .map((parts) => parts.join('')),
    ),
  )
  .map((parts) => parts.join(''));

const textValue = fc
  .array(
    fc.constantFrom(
      'a',
      'b',
      'é',
      '漢',
      '😀',
      '\\n',
      '\\"',
      '\\\\',
      '\\/',
      '\\u0041',
      '\\ud83d\\ude00',
      '\\ud800',
      '\\x',
      '\n',
      '\u2028',
      '\ufeff',
      '__proto__',
      'x'.repeat(250),
    ),
    { maxLength: 4 },
  )
  .map((parts) => `"${parts.join('')}"`);
const timeText = fc
  .tuple(
    fc.constantFrom('2024', '1970', '1973', '9999', '0001', '20x4'),
    fc.constantFrom('-01-31', '-02-29', '-02-30', '-04-31', '-13-01', '-00-10', '-12-31', '-3-01', '-03-03'),
    fc.constantFrom('T', ' ', 't', ''),
    fc.constantFrom('00:00:00', '23:59:59', '24:00:00', '12:60:00', '12:30', '12:30:61', '09:46:40'),
    fc.constantFrom('', '.5', '.123456789', '.1234567890', ',25', '.', '.0x'),
    fc.constantFrom('Z', '', '+00:00', '-23:59', '+24:00', '+0130', 'z', ' Z', '+1:300'),
  )
  .map((parts) => `"${parts.join('')}"`);

const nested = fc
  .tuple(fc.constantFrom('[', '{"k":'), fc.integer({ min: 60, max: 66 }))
  .map(([open, levels]) => `${open.repeat(levels)}0${(open === '[' ? ']' : '}').repeat(levels)}`);
const unsafe = fc.constantFrom(
  '{"__proto__":1}',
  '{"constructor":{"prototype":1}}',
  '{"a":[{"constructor":1}]}',
  '{"\\u005f_proto__":1}',
);
const strange = fc.oneof(
  numberText,
  textValue,
  fc.json(),
  fc.constantFrom('null', 'true', 'nul', '{}', '[]'),
);
const key = fc.oneof(
  fc.constantFrom(...TEXTS, ...NUMBERS, 'timestamp', 'feedback_type', 'input_stats', 'input_shape', 'input'),
  fc.constantFrom('comment', 'user_action', 'attributes', 'label', 'more', 'größe', ''),
  fc.constantFrom('__proto__', 'constructor', 'ratin\\u0067', 'rat\\ning'),
);
const someStats = fc.constantFrom(
  '{"mean":1,"std":2}',
  '{"mean":1,"std":2,"mean":3}',
  '{"mean":null,"std":1}',
  '{"std":-0,"mean":1e3,"more":[{}]}',
  '{"mean":1}',
  'null',
);
/** Key and value: of the right type, at the limits of what is allowed, or of any kind. */
const member = fc.oneof(
  fc.tuple(fc.constantFrom<string>(...NUMBERS), numberText),
  fc.tuple(
    fc.constantFrom('rating', 'latency_ms'),
    fc.constantFrom('0', '01', '1', '5', '5.0001', '9', '-0', '-1'),
  ),
  fc.tuple(fc.constantFrom<string>(...TEXTS, 'comment', 'user_action', 'more'), textValue),
  fc.tuple(fc.constant('input_stats'), someStats),
  fc.tuple(fc.constant('input_shape'), fc.constantFrom('[]', '[null,1]', '[1,]', '["1"]', 'null')),
  fc.tuple(fc.constantFrom('input', 'attributes', 'more'), fc.oneof(nested, unsafe)),
  fc.tuple(key, strange),
);
const space = fc.oneof(
  { weight: 15, arbitrary: fc.constantFrom('', '', ' ', '\n', '\t ') },
  fc.constantFrom('\u00a0', '\ufeff', '\0', '\f'),
);

/** All that is needed but the time. */
const minimal = [
  ['"prediction_id":"p1"', '"feedback_type":"explicit"'],
  ['"model_version":"v1"', '"deployment_id":"spam"'],
];

/** A good record with strange members, in any order, some twice. */
export const strangeRecord: fc.Arbitrary<Buffer> = fc
  .tuple(
    fc.constantFrom(...minimal),
    fc.oneof({ weight: 5, arbitrary: fc.constant('1700000000000') }, timeText, numberText),
    fc.array(fc.tuple(member, space, space), { minLength: 1, maxLength: 2 }),
    fc.nat(3),
    space,
  )
  .map(([members, time, added, position, outside]) => {
    const more = added.map(
      ([[name, value], before, behind]) => `${before}"${name}"${behind}:${before}${value}${behind}`,
    );
    const all = [...members.slice(0, position), ...more, ...members.slice(position), `"timestamp":${time}`];
    return Buffer.from(`${outside}{${all.join(',')}}${outside}`);
  });

const INTERESTING = [...Buffer.from('"\\{}[]:,.-+eE019 \n\t\0nul')].concat(
  0x80,
  0xbf,
  0xc0,
  0xc3,
  0xe0,
  0xed,
  0xef,
  0xf0,
  0xf4,
  0xff,
);

/** A good record of which some bytes were replaced, put in or taken out. */
export const damagedRecord: fc.Arbitrary<Buffer> = fc
  .tuple(
    ordinaryRecord,
    fc.array(
      fc.tuple(fc.nat(), fc.constantFrom(0, 1, 2), fc.oneof(fc.constantFrom(...INTERESTING), fc.nat(255))),
      { minLength: 1, maxLength: 3 },
    ),
  )
  .map(([record, changes]) => {
    const bytes = [...record];
    for (const [at, removed, byte] of changes)
      bytes.splice(at % bytes.length, removed, ...(removed === 2 ? [] : [byte]));
    return Buffer.from(bytes);
  });
