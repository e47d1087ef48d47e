import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Emission, LATEST_MAX, summedUp } from './emissions.ts';

test('of very many windows only the latest are told, but all are counted, and alerts are not crowded out', () => {
  const windows = Array.from(
    { length: LATEST_MAX + 50 },
    (_, n): Emission => ({ message: 'window', value: { n } }),
  );
  const alert: Emission = { message: 'alert', value: { n: 'alert' } };
  const { counts, latest } = summedUp([alert, ...windows]);
  assert.deepEqual(counts, { window: LATEST_MAX + 50, alert: 1 });
  assert.deepEqual(latest, [alert, ...windows.slice(50)]);
});
