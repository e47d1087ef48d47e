/** No figure counts where results differ: so a planted difference of each kind must be found. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compare } from './compare.ts';
import { type Answers, WINDOW_MS } from './job.ts';
import { type WindowAnswer, WindowAnswers } from './windows/answers.ts';
import { EventStream } from './windows/events.ts';
import { windowsJob as job } from './windows/job.ts';

const FROM_MS = 1_767_225_600_000;
const SPAN_MS = 2 * WINDOW_MS;
const OPTIONS = { seed: 1, events: 3_000, keys: 10, event_bytes: 310, from_ms: FROM_MS, span_ms: SPAN_MS };
const END_MS = FROM_MS + SPAN_MS;

function made(): { events: Record<string, unknown>[]; answers: Answers<WindowAnswer> } {
  const stream = new EventStream(OPTIONS);
  const maker = new WindowAnswers();
  const events = Array.from({ length: OPTIONS.events }, () => {
    const event = stream.next();
    maker.add(event);
    return { ...JSON.parse(event.json), bytes: Buffer.byteLength(event.json) };
  });
  return { events, answers: maker.finish() };
}

test('events are the same for a seed, of the size that was asked for, and say what the answers count', () => {
  const { events, answers } = made();
  assert.deepEqual(made().events, events);
  const sizes = events.map(({ bytes }) => Number(bytes));
  assert.ok(
    Math.min(...sizes) >= 300 && Math.max(...sizes) <= 320,
    `${Math.min(...sizes)} to ${Math.max(...sizes)}`,
  );
  assert.equal(
    [...answers.values()].reduce((sum, { count }) => sum + count, 0),
    events.length,
  );
  const [key, answer] = [...answers][0]!;
  const [start, deployment_id] = key.split('|');
  const own = events.filter(
    (event) =>
      event.deployment_id === deployment_id &&
      Number(event.timestamp) >= Number(start) &&
      Number(event.timestamp) < Number(start) + WINDOW_MS,
  );
  const bad =
    own.filter(({ rating = 5 }) => Number(rating) < 3).length +
    own.filter(({ time_to_action }) => Number(time_to_action) > 30).length;
  assert.equal(answer.count, own.length);
  assert.equal(answer.error_rate, bad / own.length);
});

test('equal results and windows after the end raise nothing', () => {
  const { answers } = made();
  const said = new Map([...answers, [`${END_MS}|d-end`, answers.values().next().value!]]);
  assert.deepEqual(compare({ job, answers, end_ms: END_MS }, said), []);
});

/** Of each kind the least that must be noticed. */
const PLANTED: [string, (answer: WindowAnswer) => Partial<WindowAnswer>][] = [
  ['count', ({ count }) => ({ count: count + 1 })],
  ['error_rate', ({ error_rate, count }) => ({ error_rate: error_rate + 1 / count })],
  ['mean', ({ mean }) => ({ mean: mean * (1 + 2e-9) })],
  ['variance', ({ variance }) => ({ variance: variance * (1 - 2e-6) })],
  ['p95', ({ p95 }) => ({ p95: p95 * 1.021 })],
  ['p95', () => ({ p95: Number.NaN })],
];

for (const [field, change] of PLANTED)
  test(`a planted difference in ${field} is found`, () => {
    const { answers } = made();
    const [key, answer] = [...answers][3]!;
    const differences = compare(
      { job, answers, end_ms: END_MS },
      new Map(answers).set(key, { ...answer, ...change(answer) }),
    );
    assert.equal(differences.length, 1);
    assert.ok(differences[0]!.startsWith(`${key}: ${field} is `), differences[0]);
  });

test('a window that is missing, and one too many, are found', () => {
  const { answers } = made();
  const [key, answer] = [...answers][3]!;
  const said = new Map(answers).set(`${FROM_MS}|d-none`, answer);
  said.delete(key);
  assert.deepEqual(compare({ job, answers, end_ms: END_MS }, said), [
    `${key}: missing`,
    `${FROM_MS}|d-none: there is no such window`,
  ]);
});

test('results of errata and of the others are read into one shape', () => {
  const answer = { count: 4, error_rate: 0.5, mean: 2, variance: 9, p95: 7 };
  const start = new Date(FROM_MS).toISOString();
  const errata = {
    key: { deployment_id: 'd-0001' },
    window_start: start,
    total_events: 4,
    error_rate: 0.5,
    measures: { time_to_action: { count: 4, mean: 2, std: 3, variance: 9, p50: 1, p95: 7, p99: 8 } },
  };
  const peer = { deployment_id: 'd-0001', window_start: FROM_MS, ...answer };
  assert.deepEqual(job.parse(JSON.stringify(errata)), { key: `${FROM_MS}|d-0001`, answer });
  assert.deepEqual(job.parse(JSON.stringify(peer)), { key: `${FROM_MS}|d-0001`, answer });
});
