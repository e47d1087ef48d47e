import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Lease } from './frame_buffers.ts';
import type { ResolvedPlan, StagePlan, TimePlan } from './plan.ts';
import { TaskState } from './state.ts';
import type { TaskInput } from './task_input.ts';
import { TaskTime } from './task_time.ts';
import { chunkOf, inputPlan, logRecord, taskInput } from './testing.ts';
import { EventTimeInput } from './watermarks.ts';

const IDLE_MS = 400;
const WALL: TimePlan = { type: 'event_time', disorder_ms: 0, idle_ms: IDLE_MS, clock: 'wall' };
const EVENT: TimePlan = { type: 'event_time', disorder_ms: 0, idle_ms: null, clock: 'event' };
const NEVER: TimePlan = { type: 'event_time', disorder_ms: 0, idle_ms: null, clock: 'wall' };

function source(time: TimePlan): TaskInput & { clock: EventTimeInput } {
  return taskInput(inputPlan('t', time), new EventTimeInput(0, null)) as TaskInput & {
    clock: EventTimeInput;
  };
}

/** Asked twice, so that it had the time to become idle. */
function checkedTwice(input: TaskInput, now_ms = Date.now()): boolean {
  const first = input.checkIdle(now_ms);
  return input.checkIdle(now_ms + IDLE_MS) || first;
}

test('records come out in order, and the position ends behind what holds no records', () => {
  const input = source(WALL);
  input.onChunk(chunkOf([logRecord(0), logRecord(2)], 5), 9);
  input.onChunk(chunkOf([], 7), 9);
  input.onChunk(chunkOf([logRecord(8)], 9), 9);
  const read: [number | undefined, number][] = [];
  while (input.has_next) read.push([input.takeNext()?.offset, input.position]);
  assert.deepEqual(read, [
    [0, 1],
    [2, 3],
    [undefined, 5],
    [undefined, 7],
    [8, 9],
    [undefined, 9],
  ]);
  assert.ok(input.at_end);
});

test('memory of an answer is used again once it is passed, unless a record of it was kept', () => {
  const input = source(WALL);
  let released = 0;
  const lease = { release: () => released++ };
  const give = (offset: number) =>
    input.onChunk({ ...chunkOf([logRecord(offset)]), lease: lease as unknown as Lease }, 9);
  give(0);
  input.advance();
  assert.equal(input.borrowed().offset, 0);
  assert.equal(released, 0, 'it is being read');
  input.advance();
  assert.equal(released, 1);
  give(1);
  assert.equal(input.takeNext()?.offset, 1);
  input.advance();
  assert.equal(released, 1, 'what was taken stays as it is');
  give(1);
  assert.equal(released, 2, 'what is known is not looked at');
});

test('what is buffered beyond the limit leaves the partition out of the next fetch, until it is taken', () => {
  const input = source(WALL);
  input.onChunk(chunkOf([logRecord(0)], 1, 3_000_000), 3);
  assert.ok(input.wantsMore());
  input.onChunk(chunkOf([logRecord(1)], 2, 3_000_000), 3);
  assert.ok(!input.wantsMore());
  input.takeNext();
  assert.equal(input.takeNext(), undefined, 'the end of the first chunk');
  assert.ok(input.wantsMore());
  input.paused = true;
  assert.ok(!input.wantsMore());
});

test('a partition read to its end is idle after a while, up to the wall clock, and again every while', () => {
  const input = source(WALL);
  const now_ms = Date.now();
  input.onChunk(chunkOf([], 0), 0);
  assert.equal(input.checkIdle(now_ms), false);
  assert.equal(input.checkIdle(now_ms + IDLE_MS - 1), false);
  assert.equal(input.checkIdle(now_ms + IDLE_MS), true);
  assert.deepEqual(input.time, { type: 'idle', value_ms: null, until_ms: now_ms + IDLE_MS });
  assert.equal(input.checkIdle(now_ms + IDLE_MS + 1), false);
  assert.equal(input.checkIdle(now_ms + 2 * IDLE_MS), true);
  assert.deepEqual(input.time, { type: 'idle', value_ms: null, until_ms: now_ms + 2 * IDLE_MS });
});

test('by the clock of events it is idle at once and without limit; where that is off, never', () => {
  const [at_once, never] = [source(EVENT), source(NEVER)];
  for (const input of [at_once, never]) input.onChunk(chunkOf([], 0), 0);
  assert.equal(at_once.checkIdle(Date.now()), true);
  assert.equal(at_once.checkIdle(Date.now()), false, 'said once');
  assert.deepEqual(at_once.time, { type: 'idle', value_ms: null, until_ms: null });
  assert.equal(checkedTwice(never), false);
});

const NOT_IDLE: [string, (input: TaskInput) => void][] = [
  ['that was never answered', () => undefined],
  ['that was not read to its end', (input) => input.onChunk(chunkOf([], 0), 1)],
  ['whose records are not processed', (input) => input.onChunk(chunkOf([logRecord(0)]), 1)],
  [
    'that is paused',
    (input) => {
      input.onChunk(chunkOf([], 0), 0);
      input.paused = true;
    },
  ],
  [
    'whose broker is away',
    (input) => {
      input.onChunk(chunkOf([], 0), 0);
      input.onUnhealthy('connection refused');
    },
  ],
];
for (const [what, arrange] of NOT_IDLE) {
  test(`a partition ${what} is not idle`, () => {
    for (const time of [WALL, EVENT]) {
      const input = source(time);
      arrange(input);
      assert.equal(checkedTwice(input), false);
      assert.equal(input.time?.type, 'unknown');
    }
  });
}

test('a partition whose broker has not answered for long is not idle', () => {
  const input = source(WALL);
  input.onChunk(chunkOf([], 0), 0);
  assert.equal(checkedTwice(input, Date.now() + 60_000), false);
});

for (const [what, end] of [
  ['a pause', (input: TaskInput) => Object.assign(input, { paused: true })],
  ['an outage', (input: TaskInput) => input.onUnhealthy('connection refused')],
] as const) {
  test(`${what} ends idleness`, () => {
    const input = source(WALL);
    input.clock.observe(70);
    input.onChunk(chunkOf([], 0), 0);
    assert.equal(checkedTwice(input), true);
    end(input);
    assert.equal(input.checkIdle(Date.now()), true, 'its time has changed');
    assert.deepEqual(input.time, { type: 'live', value_ms: 70 });
  });
}

/** A task of several sources, to ask which is next. */
function taskOf(inputs: TaskInput[]): TaskTime {
  const stage: StagePlan = { name: 's', kind: 'actors', inputs: inputs.map(({ plan }) => plan), actors: [] };
  const time = new TaskTime({ partitions: {} } as ResolvedPlan, stage, 0, new TaskState().store('$time'));
  time.bind(inputs);
  return time;
}

test('the input that is furthest behind is next', () => {
  const [ahead, behind] = [source(WALL), source(WALL)];
  for (const input of [ahead, behind]) input.onChunk(chunkOf([logRecord(0), logRecord(1)]), 2);
  ahead.clock.observe(100);
  behind.clock.observe(50);
  const time = taskOf([ahead, behind]);
  assert.equal(time.nextInput(), behind);
  behind.clock.observe(101);
  assert.equal(time.nextInput(), ahead);
});

test('one that is behind and may have more is waited for; at its end, paused or without time it is not', () => {
  const [ahead, behind] = [source(WALL), source(WALL)];
  ahead.onChunk(chunkOf([logRecord(0)]), 1);
  ahead.clock.observe(100);
  const time = taskOf([ahead, behind]);
  assert.equal(time.nextInput(), undefined, 'never answered');
  behind.onChunk(chunkOf([], 0), 5);
  assert.equal(time.nextInput(), undefined, 'not at its end');
  behind.paused = true;
  assert.equal(time.nextInput(), ahead);
  behind.paused = false;
  behind.onChunk(chunkOf([], 0), 0);
  assert.equal(time.nextInput(), ahead);
  const timeless = taskInput(inputPlan('u', { type: 'none' }), null);
  timeless.onChunk(chunkOf([logRecord(0)]), 1);
  assert.equal(taskOf([ahead, timeless]).nextInput(), timeless);
});
