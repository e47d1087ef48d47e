import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  combine,
  EventTimeInput,
  type InputTime,
  UpstreamInput,
  type WatermarkRecord,
} from './watermarks.ts';

const input: fc.Arbitrary<InputTime> = fc.oneof(
  fc.constant<InputTime>({ type: 'unknown' }),
  fc.record(
    { type: fc.constant('live' as const), value_ms: fc.integer({ min: 0, max: 50 }) },
    { noNullPrototype: true },
  ),
  fc.record({
    type: fc.constant('idle' as const),
    value_ms: fc.option(fc.integer({ min: 0, max: 50 })),
    until_ms: fc.option(fc.integer({ min: 0, max: 50 })),
  }),
);

test('property: the watermark of several inputs is the least of the live ones, and unknown while any is', () => {
  fc.assert(
    fc.property(fc.array(input, { minLength: 1, maxLength: 6 }), (inputs) => {
      const time = combine(inputs);
      const values = inputs.flatMap((one) => (one.type === 'live' ? [one.value_ms] : []));
      const untils = inputs.flatMap((one) =>
        one.type === 'idle' && one.until_ms !== null ? [one.until_ms] : [],
      );
      if (inputs.some(({ type }) => type === 'unknown')) assert.equal(time.type, 'unknown');
      else if (values.length > 0) assert.deepEqual(time, { type: 'live', value_ms: Math.min(...values) });
      else {
        assert.ok(time.type === 'idle');
        // Idle only as far as the one that says least; null says that everything was read.
        assert.equal(time.until_ms, untils.length === 0 ? null : Math.min(...untils));
      }
    }),
  );
});

test('no input at all says nothing', () => {
  assert.deepEqual(combine([]), { type: 'unknown' });
});

test('event time of a source is what was seen, less the disorder, and never goes back', () => {
  const clock = new EventTimeInput(5, null);
  assert.deepEqual(clock.time, { type: 'unknown' });
  clock.observe(100);
  clock.observe(90);
  assert.deepEqual(clock.time, { type: 'live', value_ms: 95 });
  clock.heartbeat(120);
  assert.deepEqual(clock.time, { type: 'live', value_ms: 120 });
  clock.observe(121);
  assert.deepEqual(clock.time, { type: 'live', value_ms: 120 });
  assert.deepEqual(new EventTimeInput(5, clock.value_ms).time, clock.time, 'restored');
});

test('an idle source comes back with the next record, or when it can no longer be called idle', () => {
  const clock = new EventTimeInput(0, null);
  clock.becomeIdle(1_000);
  assert.deepEqual(clock.time, { type: 'idle', value_ms: null, until_ms: 1_000 });
  clock.observe(50);
  assert.deepEqual(clock.time, { type: 'live', value_ms: 50 });
  clock.becomeIdle(2_000);
  assert.equal(clock.becomeLive(), true);
  assert.equal(clock.becomeLive(), false);
  assert.deepEqual(clock.time, { type: 'live', value_ms: 50 });
});

const live = (task: string, value_ms: number | null): WatermarkRecord => ({
  task,
  value_ms,
  state: { type: 'live' },
});
const idle = (task: string, until_ms: number | null): WatermarkRecord => ({
  task,
  value_ms: null,
  state: { type: 'idle', until_ms },
});

test('one upstream task that was never heard of holds the watermark, one that is not planned is ignored', () => {
  const upstream = new UpstreamInput(['a/0', 'a/1'], []);
  upstream.accept(live('a/0', 10));
  upstream.accept(live('gone/7', 1));
  assert.deepEqual(upstream.time, { type: 'unknown' });
  upstream.accept(live('a/1', 4));
  assert.deepEqual(upstream.time, { type: 'live', value_ms: 4 });
});

test('a task that was idle and starts again without knowing its time holds the watermark', () => {
  const upstream = new UpstreamInput(['a/0', 'a/1'], [live('a/0', 10), idle('a/1', 500)]);
  assert.deepEqual(upstream.time, { type: 'live', value_ms: 10 });
  upstream.accept(live('a/1', null));
  assert.deepEqual(upstream.time, { type: 'unknown' });
});

test('with all upstream tasks idle, time goes up to the least that they said', () => {
  const upstream = new UpstreamInput(['a/0', 'a/1'], [idle('a/0', 700), idle('a/1', 500)]);
  assert.deepEqual(upstream.time, { type: 'idle', value_ms: null, until_ms: 500 });
});

test('what an upstream task has said stands, also when it begins anew and knows nothing', () => {
  const upstream = new UpstreamInput(['a/0'], []);
  upstream.accept({ task: 'a/0', value_ms: 100, state: { type: 'live' } });
  const counted = upstream.accept({ task: 'a/0', value_ms: null, state: { type: 'live' } });
  assert.deepEqual(counted, { task: 'a/0', value_ms: 100, state: { type: 'live' } });
  assert.deepEqual(upstream.time, { type: 'live', value_ms: 100 });
  assert.deepEqual(new UpstreamInput(['a/0'], [counted]).time, upstream.time, 'restored');
  upstream.accept({ task: 'a/0', value_ms: 90, state: { type: 'live' } });
  assert.deepEqual(upstream.time, { type: 'live', value_ms: 100 });
});
