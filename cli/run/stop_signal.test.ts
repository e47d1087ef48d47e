import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';

const module_url = new URL('./stop_signal.ts', import.meta.url).href;
/** Says which signal it got and never ends by itself. */
const STUBBORN = `
  import { stopSignal } from ${JSON.stringify(module_url)};
  const signal = stopSignal();
  signal.addEventListener('abort', () => console.log(signal.reason));
  setInterval(() => undefined, 1000);
  console.log('up');
`;

test('the first signal asks, a second one of either kind ends at once', async (t) => {
  const child = spawn(process.execPath, ['--input-type=module', '-e', STUBBORN]);
  t.after(() => child.kill('SIGKILL'));
  const said = async () => String((await once(child.stdout, 'data'))[0]).trim();
  assert.equal(await said(), 'up');
  child.kill('SIGTERM');
  assert.equal(await said(), 'SIGTERM');
  child.kill('SIGINT');
  assert.deepEqual(await once(child, 'exit'), [130, null]);
});
