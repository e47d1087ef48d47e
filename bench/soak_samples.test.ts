/** What the soak calls growth: a leak must be found, and the noise of a heap must not be taken for one. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { randomStream } from '../training/random.ts';
import { type Sample, trends } from './soak_samples.ts';

const MINUTES = 20;
const PER_MINUTE = 6;

/** `rss` at each minute as told, the other measures flat. */
function samplesOf(rss: (minute: number) => number): Sample[] {
  return Array.from({ length: MINUTES * PER_MINUTE }, (_, index) => {
    const minute = index / PER_MINUTE;
    return { minute, rss: rss(minute), heap: 30, kafka_disk: 2_000, errata_disk: 0 };
  });
}

function growing(rss: (minute: number) => number): string[] {
  return trends(samplesOf(rss))
    .filter(({ grows }) => grows)
    .map(({ measure }) => measure);
}

/** Between -1 and 1, the same each time. */
function noise(): () => number {
  const random = randomStream('soak samples', 1);
  return () => 2 * random() - 1;
}

test('steady growth is found, and how much it is per hour', () => {
  const random = noise();
  const samples = samplesOf((minute) => 600 + 10 * minute + 20 * random());
  const [rss] = trends(samples);
  assert.equal(rss!.grows, true);
  assert.ok(Math.abs(rss!.per_hour - 600) < 60, `${rss!.per_hour} MiB per hour`);
  assert.deepEqual(
    growing((minute) => 600 + 10 * minute),
    ['rss'],
    'and of nothing else',
  );
});

test('a flat series is none, however noisy, nor is one that falls', () => {
  const random = noise();
  assert.deepEqual(
    growing(() => 600 + 100 * random()),
    [],
  );
  assert.deepEqual(
    growing((minute) => 600 - 10 * minute),
    [],
  );
});

test('what fills only while it warms up is none', () => {
  assert.deepEqual(
    growing((minute) => Math.min(600, 100 * minute)),
    [],
  );
});

test('what is small may grow by some MiB, what is large by a tenth, over the run without its warm-up', () => {
  const warm_minutes = 0.6 * MINUTES;
  const by = (mib: number) => (minute: number) => (minute * mib) / warm_minutes;
  assert.deepEqual(
    growing((minute) => 10 + by(7)(minute)),
    [],
  );
  assert.deepEqual(
    growing((minute) => 10 + by(9)(minute)),
    ['rss'],
  );
  assert.deepEqual(
    growing((minute) => 1_000 + by(90)(minute)),
    [],
  );
  assert.deepEqual(
    growing((minute) => 1_000 + by(130)(minute)),
    ['rss'],
  );
});
