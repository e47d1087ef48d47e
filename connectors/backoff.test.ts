import assert from 'node:assert/strict';
import { test } from 'node:test';
import { backoffMs } from './backoff.ts';

const LIMITS = { first_ms: 200, most_ms: 30_000 };
const ATTEMPTS = Array.from({ length: 12 }, (_, attempt) => attempt);

test('each wait is twice the one before, up to the limit', () => {
  const longest = ATTEMPTS.map((attempt) => backoffMs(attempt, LIMITS, 1));
  assert.deepEqual(
    longest,
    [200, 400, 800, 1_600, 3_200, 6_400, 12_800, 25_600, 30_000, 30_000, 30_000, 30_000],
  );
  assert.equal(backoffMs(1_000_000, LIMITS, 1), 30_000);
});

test('the dice decide between half of it and all of it', () => {
  assert.equal(backoffMs(3, LIMITS, 0), 800);
  assert.equal(backoffMs(3, LIMITS, 0.5), 1_200);
  for (const attempt of ATTEMPTS) {
    const longest_ms = backoffMs(attempt, LIMITS, 1);
    const waits = Array.from({ length: 100 }, () => backoffMs(attempt, LIMITS));
    for (const wait_ms of waits) assert.ok(wait_ms >= longest_ms / 2 && wait_ms <= longest_ms, `${wait_ms}`);
    assert.ok(new Set(waits).size > 1, 'nobody waits as long as everybody else');
  }
});
