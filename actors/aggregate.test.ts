import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { Event } from '../messages/event.ts';
import {
  type Aggregate,
  addEvent,
  type Counting,
  emptyAggregate,
  isEmpty,
  lean,
  mergeAggregate,
} from './aggregate.ts';
import { type Bins, walkBins } from './bins.ts';
import { addToDistribution, emptyDistribution, summariseDistribution } from './distribution.ts';
import { emptyMoments, summarise } from './moments.ts';

const counting: Counting = {
  bad: { rating_below: 3, time_to_action_above: 30 },
  measures: ['rating', 'input_stats.mean', 'server_load'],
};

function eventOf(given: Partial<Event>): Event {
  return { op: 'add', origin: 'feedback', time_ms: 0, deployment_id: 'd', model_version: 'v', ...given };
}

const anyEvent = fc
  .record(
    {
      rating: fc.constantFrom(1, 2, 3, 5),
      time_to_action: fc.constantFrom(0, 30, 31),
      input_stats: fc.record({
        mean: fc.double({ min: -9, max: 9, noNaN: true }),
        std: fc.integer({ min: 0, max: 3 }),
      }),
      latency_ms: fc.double({ min: 0, max: 1e4, noNaN: true }),
      server_load: fc.double({ min: 0, max: 2, noNaN: true }),
    },
    { requiredKeys: [] },
  )
  .map(eventOf);

function sumOf(events: Event[]): Aggregate {
  const sum = emptyAggregate();
  for (const event of events) addEvent(sum, event, counting);
  return sum;
}

function assertAlike(a: Aggregate, b: Aggregate): void {
  assert.deepEqual(countsOf(a), countsOf(b));
  for (const field of ['input_mean', 'latency_ms'] as const) {
    const [one, other] = [a[field] ?? emptyMoments(), b[field] ?? emptyMoments()];
    assert(Math.abs(one.sum - other.sum) <= 1e-9 * (1 + Math.abs(other.sum)));
    assert(Math.abs(one.sum_squares - other.sum_squares) <= 1e-9 * (1 + other.sum_squares));
  }
}

function countsOf({ input_mean, latency_ms, measures, patterns, predictions, ...counts }: Aggregate) {
  const bins = Object.entries({ latency_ms, ...measures })
    .map(([name, { count, bins } = emptyDistribution()]) => ({ name, count, bins: listed(bins) }))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
  return { ...counts, patterns: { ...patterns }, means: input_mean?.count ?? 0, bins };
}

/** However they are kept. */
function listed(bins: Bins): string[] {
  const list: string[] = [];
  walkBins(bins, (bin, is_negative, count) => list.push(`${is_negative ? '-' : ''}${bin}: ${count}`) > 0);
  return list;
}

describe('aggregate', () => {
  it('counts one event twice that is rated low and slow, and none at the limits themselves', () => {
    const { events, low_ratings, slow_actions } = sumOf([
      eventOf({ rating: 2, time_to_action: 31 }),
      eventOf({ rating: 3, time_to_action: 30 }),
      eventOf({}),
    ]);
    assert.deepEqual({ events, low_ratings, slow_actions }, { events: 3, low_ratings: 1, slow_actions: 1 });
  });

  it('is empty again when everything is taken back, in any order', () => {
    fc.assert(
      fc.property(fc.array(anyEvent), fc.nat(), (events, turn) => {
        const sum = sumOf(events);
        const at = turn % (events.length + 1);
        for (const event of [...events.slice(at), ...events.slice(0, at)]) {
          addEvent(sum, { ...event, op: 'retract' }, counting);
        }
        assert(isEmpty(sum));
      }),
    );
  });

  it('adds up alike however events are spread over tasks and in whatever order', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(anyEvent, fc.nat({ max: 2 }))), (events) => {
        const merged = emptyAggregate();
        const merged_lean = emptyAggregate();
        for (const task of [2, 0, 1]) {
          const part = sumOf(events.filter(([, of]) => of === task).map(([event]) => event));
          mergeAggregate(merged, part, 1000);
          mergeAggregate(merged_lean, JSON.parse(JSON.stringify(lean(part))), 1000);
          assert.equal(isEmpty(lean(part)), isEmpty(part));
        }
        assertAlike(merged, sumOf(events.map(([event]) => event)));
        assertAlike(merged_lean, merged);
      }),
    );
  });

  it('counts patterns beyond the limit together, and forgets them with the events', () => {
    const events = [1, 2, 3].map((mean) => eventOf({ input_stats: { mean, std: 0 } }));
    const sum = emptyAggregate();
    mergeAggregate(sum, sumOf(events), 2);
    assert.deepEqual(sum.patterns, { mean_1_std_0: 1, mean_2_std_0: 1 });
    assert.equal(sum.other_patterns, 1);
    mergeAggregate(sum, sumOf(events.map((event) => ({ ...event, op: 'retract' }))), 2);
    assert(isEmpty(sum));
  });
});

describe('summaries', () => {
  it('give mean and deviation, null where there is nothing', () => {
    assert.deepEqual(summarise({ count: 4, sum: 10, sum_squares: 30 }), {
      count: 4,
      mean: 2.5,
      std: Math.sqrt(1.25),
    });
    assert.deepEqual(summarise({ count: 0, sum: 1e-17, sum_squares: 0 }), {
      count: 0,
      mean: null,
      std: null,
    });
    assert.equal(summariseDistribution(emptyAggregate().latency_ms).p99, null);
  });

  it('survive values at the end of the doubles', () => {
    const { input_mean, latency_ms } = sumOf([
      eventOf({ input_stats: { mean: -1.7e308, std: 0 }, latency_ms: 1.7e308 }),
      eventOf({ input_stats: { mean: 2, std: 0 }, latency_ms: 0 }),
    ]);
    assert.deepEqual(summarise(input_mean!), { count: 1, mean: 2, std: 0 });
    assert(Number.isFinite(summariseDistribution(latency_ms).p99));
  });

  it('give quantiles within 1 % of the true ones, below zero too', () => {
    const any = fc.array(fc.double({ min: -1e5, max: 1e5, noNaN: true }), { minLength: 1, maxLength: 300 });
    fc.assert(
      fc.property(any, (values) => {
        const distribution = emptyDistribution();
        for (const value of values) addToDistribution(distribution, value, 1);
        const quantiles = summariseDistribution(distribution);
        const sorted = values.toSorted((a, b) => a - b);
        for (const [share, found] of [
          [0.5, quantiles.p50],
          [0.95, quantiles.p95],
          [0.99, quantiles.p99],
        ] as const) {
          const true_value = sorted[Math.floor(share * (sorted.length - 1))]!;
          const allowed = Math.max(0.010001 * Math.abs(true_value), 0.001);
          assert(Math.abs(found! - true_value) <= allowed, `${found} for ${true_value}`);
        }
      }),
    );
  });
});
