import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { checkSecret, readSecret } from '../../connectors/secret.ts';
import { temporaryFolder } from '../harness/embedded.ts';

test('a secret is read anew from its variable or its file', (t) => {
  const file = join(temporaryFolder(t), 'key');
  for (const secret of ['first', 'second']) {
    writeFileSync(file, `${secret}\n`);
    process.env.ERRATA_TEST_SECRET = secret;
    assert.equal(readSecret({ key_file: file }, 'key'), secret);
    assert.equal(readSecret({ key_env: 'ERRATA_TEST_SECRET' }, 'key'), secret);
  }
  assert.equal(readSecret({}, 'key'), undefined);
});

test('where it is named and missing, the message says where', (t) => {
  const file = join(temporaryFolder(t), 'key');
  assert.throws(() => readSecret({ key_file: file }, 'key'), {
    code: 'E_SECRET_MISSING',
    message: /key_file: .*ENOENT/,
  });
  writeFileSync(file, '\n');
  assert.throws(() => readSecret({ key_file: file }, 'key'), { message: /is empty/ });
  assert.throws(() => readSecret({ key_env: 'NO_SUCH_VARIABLE' }, 'key'), {
    message: /NO_SUCH_VARIABLE is not set/,
  });
});

test('lint wants one place, where one is needed', () => {
  assert.deepEqual(checkSecret({ key_env: 'A' }, 'key', true), []);
  assert.deepEqual(checkSecret({}, 'key'), []);
  assert.equal(checkSecret({}, 'key', true).length, 1);
  assert.deepEqual(checkSecret({ key_env: 'A', key_file: 'b' }, 'key')[0]!.at, ['key_file']);
});
