import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RestartBudget } from './restart_budget.ts';

const LIMITS = { budget: 3, period_ms: 60_000, first_backoff_ms: 200, most_backoff_ms: 1_500 };
const SHORT_LIFE_MS = LIMITS.most_backoff_ms;
const LONG_LIFE_MS = LIMITS.most_backoff_ms + 1;

/** How long it is left alone after each of these lives. */
function backoffs(lives_ms: number[]): number[] {
  const budget = new RestartBudget(LIMITS);
  return lives_ms.map((ran_ms) => budget.backoff(ran_ms));
}

test('a worker that dies again and again is left alone for twice as long each time, up to the most', () => {
  assert.deepEqual(backoffs(Array(6).fill(SHORT_LIFE_MS)), [200, 400, 800, 1_500, 1_500, 1_500]);
});

test('one that ran for longer than the most begins with the first backoff again', () => {
  const lives_ms = [0, 0, 0, 0, LONG_LIFE_MS, 0];
  assert.deepEqual(backoffs(lives_ms), [200, 400, 800, 1_500, 200, 400]);
});

test('one death more than the budget allows within its period is told', () => {
  const budget = new RestartBudget(LIMITS);
  for (const at_ms of [0, 20_000, 40_000]) assert.equal(budget.spend(at_ms), null, `at ${at_ms}`);
  assert.equal(budget.spend(59_999), 'died 4 times in 1 minutes');
});

test('deaths are forgotten after the period, each for itself', () => {
  const budget = new RestartBudget(LIMITS);
  for (const at_ms of [0, 40_000, 50_000, 60_000]) assert.equal(budget.spend(at_ms), null, `at ${at_ms}`);
  assert.notEqual(budget.spend(60_001), null, 'only the first of them is forgotten');
  assert.equal(budget.spend(10 * 60_000), null, 'and much later all');
});
