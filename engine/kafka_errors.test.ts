import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { test } from 'node:test';
import { ErrataError } from '../messages/errata_error.ts';
import { classOf, type ErrorClass, failIfAny, fatalError, isFatal, kafkaError } from './kafka_errors.ts';

const require = createRequire(import.meta.url);
const kafkajs = require('kafkajs/src/protocol/error.js') as {
  errorCodes: { type: string; code: number; retriable: boolean }[];
  createErrorFromCode(code: number): Error;
};

const CLASSES: Record<ErrorClass, number[]> = {
  retry: [-1, 2, 3, 5, 6, 7, 13, 14, 15, 16, 19, 20, 45, 48, 51, 56, 59, 74, 75, 88, 120],
  fence: [47, 49, 82, 90],
  set_aside: [10, 18, 32, 87],
  fatal: [17, 21, 29, 30, 31, 35, 43, 44, 50, 53, 76],
};

for (const [expected, codes] of Object.entries(CLASSES))
  test(`${expected}: by our own requests, by kafkajs, and wrapped in another error`, () => {
    for (const code of codes) {
      const error = kafkaError(code, 'topic t/0');
      assert.equal(classOf(error), expected, error.message);
      assert.equal(isFatal(error.code), expected === 'fatal', error.code);
      if (!kafkajs.errorCodes.some((known) => known.code === code)) continue;
      const theirs = kafkajs.createErrorFromCode(code);
      assert.equal(classOf(theirs), expected, theirs.message);
      assert.equal(classOf(new Error('gave up', { cause: theirs })), expected);
    }
  });

test('what kafkajs takes for retriable is never fatal here', () => {
  for (const { code, retriable } of kafkajs.errorCodes)
    if (retriable) assert.notEqual(classOf(kafkajs.createErrorFromCode(code)), 'fatal', String(code));
});

test('a connection that broke and a code nobody knows pass', () => {
  assert.equal(classOf(new Error('connect ECONNREFUSED')), 'retry');
  assert.equal(classOf('thrown'), 'retry');
  assert.equal(classOf(kafkaError(32_000, 'topic t/0')), 'retry');
  assert.equal(isFatal('E_PLAN'), false);
});

test('a fatal error of kafkajs gets its code and what to do about it', () => {
  const told = fatalError(new Error('gave up', { cause: kafkajs.createErrorFromCode(29) }));
  assert.ok(told instanceof ErrataError);
  assert.equal(told.code, 'E_KAFKA_TOPIC_AUTHORIZATION_FAILED');
  assert.match(told.hint ?? '', /grant this principal READ, WRITE and DESCRIBE/);
});

test('of many partitions, the one that kept the others from being tried is named', () => {
  const partitions = [
    { partition: 0, error_code: 55 },
    { partition: 1, error_code: 29 },
  ];
  assert.throws(() => failIfAny([{ name: 't', partitions }]), {
    code: 'E_KAFKA_TOPIC_AUTHORIZATION_FAILED',
    message: /topic t\/1$/,
  });
  failIfAny([{ name: 't', partitions: [{ partition: 0, error_code: 0 }] }]);
});
