/** Records that no source should have to take, each with the code under which it is set aside. */

export interface BrokenRecord {
  what: string;
  value: Buffer | null;
  code: string;
  /** The default is `what`. */
  key?: string;
}

const HUGE_BYTES = 5 * 1024 * 1024;

/** `at_ms`: a time at which they would be on time if they were sound. */
export function brokenRecords(at_ms: number): BrokenRecord[] {
  const feedback = { prediction_id: 'broken', feedback_type: 'explicit', timestamp: at_ms, rating: 1 };
  const prediction = {
    prediction_id: 'broken',
    timestamp: at_ms,
    model_version: 'v1',
    deployment_id: 'spam',
  };
  const broken = (what: string, code: string, value: object | string | Buffer | null): BrokenRecord => {
    if (value === null || Buffer.isBuffer(value)) return { what, code, value };
    return { what, code, value: Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)) };
  };
  const feedbackSaying = (members: string) => `${JSON.stringify(feedback).slice(0, -1)},${members}}`;
  return [
    broken('not JSON', 'not_json', '{"prediction_id": "broken", '),
    broken('Python', 'not_json', "{'prediction_id': 'broken'}"),
    broken('wrong type: time', 'wrong_type', { ...feedback, timestamp: [at_ms] }),
    broken('wrong type: id', 'wrong_type', { ...prediction, prediction_id: 17 }),
    broken('NaN as text', 'not_a_number', { ...feedback, rating: 'NaN' }),
    broken('NaN as text in the statistics', 'not_a_number', {
      ...prediction,
      input_stats: { mean: 'NaN', std: 1 },
    }),
    broken('NaN bare', 'not_json', feedbackSaying('"time_to_action":NaN')),
    broken('no id', 'missing_id', { ...feedback, prediction_id: undefined }),
    broken('empty', 'empty', Buffer.alloc(0)),
    broken('no value', 'null_value', null),
    broken('an array', 'is_array', [feedback]),
    broken('a bare string', 'not_an_object', '"thumbs up"'),
    broken('5 MB', 'oversized', { ...feedback, comment: 'x'.repeat(HUGE_BYTES) }),
    { ...broken('a key of 2 MB', 'not_json', 'not JSON'), key: 'k'.repeat(2_000_000) },
    broken('300 KB of noise', 'not_json', 'x'.repeat(300_000)),
    broken('nested 10,000 deep', 'nested_too_deep', `${'['.repeat(10_000)}${']'.repeat(10_000)}`),
    broken('unknown feedback type', 'unknown_feedback_type', { ...feedback, feedback_type: 'telepathic' }),
    broken('rating 0', 'rating_out_of_range', { ...feedback, rating: 0 }),
    broken('rating 6', 'rating_out_of_range', { ...feedback, rating: 6 }),
    broken('negative time to act', 'negative_time_to_action', { ...feedback, time_to_action: -0.5 }),
    broken('year 1', 'timestamp_out_of_range', { ...feedback, timestamp: '0001-01-01T00:00:00Z' }),
    broken('year 2099', 'timestamp_ahead', { ...prediction, timestamp: '2099-12-31T23:59:59Z' }),
    broken('time as text', 'timestamp_not_a_time', { ...feedback, timestamp: 'yesterday' }),
    broken('invalid UTF-8', 'invalid_utf8', Buffer.from([0x7b, 0x22, 0xc3, 0x28, 0x22, 0x3a, 0x31, 0x7d])),
    broken('lone surrogate', 'lone_surrogate', feedbackSaying('"comment":"\\ud800"')),
    broken('__proto__', 'forbidden_key', feedbackSaying('"__proto__":{"is_admin":true}')),
  ];
}
