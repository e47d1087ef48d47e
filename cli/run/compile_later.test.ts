/** V8 knows the flags that it is given, or is given none. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { compileLater } from './compile_later.ts';

test('V8 takes the thresholds and says nothing', () => {
  const module = JSON.stringify(new URL('compile_later.ts', import.meta.url).href);
  const script = `import(${module}).then(({ compileLater }) => console.log(compileLater()))`;
  const { stdout, stderr } = spawnSync(process.execPath, ['--no-warnings', '-e', script], {
    encoding: 'utf8',
  });
  // V8 says on standard error which flag it does not know.
  assert.deepEqual([stdout, stderr], ['true\n', '']);
});

test('another V8 keeps its own', () => {
  assert.equal(compileLater('12.4.254.21-node.27'), false);
});
