import assert from 'node:assert/strict';
import { test } from 'node:test';
import { stoppedWithin } from './stop_timeout.ts';

test('who does not stop in time is told apart from who stops, and from who fails to', async () => {
  const never = new Promise<void>(() => undefined);
  await assert.rejects(stoppedWithin(20, never), { code: 'E_STOP_TIMEOUT', message: /within 0.02 s/ });
  await stoppedWithin(60_000, Promise.resolve());
  await assert.rejects(stoppedWithin(60_000, Promise.reject(new Error('no'))), { message: 'no' });
});
