/**
 * Watermarks through a 4 × 4 repartition, against brute force. Upstream tasks read a source each and write to four
 * logs in random turns; one is killed in the midst of a commit and repeats what it had not committed; one falls
 * silent. Downstream tasks read the logs.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type ActorPlan, PLAN_VERSION, type ResolvedPlan, type StagePlan, type TimePlan } from './plan.ts';
import { STATE_FORMAT, TaskState } from './state.ts';
import type { TaskInput } from './task_input.ts';
import { TaskTime } from './task_time.ts';
import { changedTexts, chunkOf, inputPlan, logRecord, taskInput } from './testing.ts';
import type { EventTimeInput, WatermarkRecord } from './watermarks.ts';

const WIDTH = 4;
const DISORDER_MS = 20;
const IDLE_MS = 500;
const PARTITIONS = Array.from({ length: WIDTH }, (_, partition) => partition);

interface Event {
  time_ms: number;
  /** Downstream partition. */
  to: number;
}

type Entry = { type: 'data'; id: string; time_ms: number } | { type: 'watermark'; record: WatermarkRecord };
type Log = Entry[];

function stage(name: string, topic: string, time: TimePlan, to: string | null): StagePlan {
  const outputs: ActorPlan['outputs'] = to
    ? { out: [{ to: 'topic', topic: to, internal: true, watermarks: true }] }
    : {};
  const actors = [{ name: 'actor', kind: 'any', config: {}, outputs }];
  return { name, kind: 'actors', inputs: [inputPlan(topic, time)], actors };
}

function planWith(clock: 'wall' | 'event'): ResolvedPlan {
  const source: TimePlan = { type: 'event_time', disorder_ms: DISORDER_MS, idle_ms: IDLE_MS, clock };
  const told: TimePlan = { type: 'watermark_records', upstream: [{ stage: 'up', partitions_of: 'source' }] };
  return {
    version: PLAN_VERSION,
    namespace: 'n',
    topology: 't',
    group_id: 'n.t',
    workers: 1,
    commit_interval_ms: 100,
    guarantee: 'at_least_once',
    state: { store: 'memory' },
    watchdog_ms: 30_000,
    topics: [],
    stages: [stage('up', 'source', source, 'middle'), stage('down', 'middle', told, null)],
    dead_letter_topic: 'd',
    late_topic: 'l',
    partitions: { source: WIDTH, middle: WIDTH },
  };
}

class Upstream {
  readonly partition: number;
  readonly #plan: ResolvedPlan;
  readonly #events: Event[];
  readonly #logs: Log[];
  /** What a restart finds: changelog and committed offset. */
  readonly #changelog = new Map<string, string | null>();
  #committed = 0;
  #state!: TaskState;
  #input!: TaskInput;
  #time!: TaskTime;
  #outputs: { to: number; entry: Entry }[] = [];

  constructor(plan: ResolvedPlan, partition: number, events: Event[], logs: Log[]) {
    this.partition = partition;
    this.#plan = plan;
    this.#events = events;
    this.#logs = logs;
    this.restart();
  }

  /** As on a new owner: only what was committed is there. */
  restart(): void {
    const up = this.#plan.stages[0]!;
    this.#outputs = [];
    this.#state = new TaskState();
    for (const [key, value] of this.#changelog) this.#state.restore(key, value, STATE_FORMAT);
    this.#time = new TaskTime(this.#plan, up, this.partition, this.#state.store('$time'));
    this.#input = taskInput(up.inputs[0]!, this.#time.clockOf(up.inputs[0]!));
    this.#time.bind([this.#input]);
    const rest = this.#events.slice(this.#committed).map((_, index) => logRecord(this.#committed + index));
    this.#input.position = this.#committed;
    this.#input.onChunk(chunkOf(rest, this.#events.length), this.#events.length);
  }

  process(count: number): void {
    for (let index = 0; index < count && this.#input.has_next; index++) {
      const record = this.#input.takeNext();
      if (!record) continue;
      const { time_ms, to } = this.#events[record.offset]!;
      (this.#input.clock as EventTimeInput).observe(time_ms);
      this.#outputs.push({ to, entry: { type: 'data', id: `${this.partition}/${record.offset}`, time_ms } });
      this.#time.step();
    }
  }

  /** `killed_after`: it dies when so many outputs are written, before state and offset are. */
  commit(killed_after?: number): void {
    const told = this.#time.takeNews().map(({ partition, value }) => ({
      to: partition,
      entry: { type: 'watermark' as const, record: JSON.parse(String(value)) as WatermarkRecord },
    }));
    const outputs = [...this.#outputs, ...told];
    for (const { to, entry } of outputs.slice(0, killed_after)) this.#logs[to]!.push(entry);
    if (killed_after !== undefined) {
      this.restart();
      return;
    }
    this.#outputs = [];
    for (const { key, value } of changedTexts(this.#state)) this.#changelog.set(key, value);
    this.#committed = this.#input.position;
  }

  /** Nothing comes for longer than it takes to be idle. */
  fallSilent(now_ms: number): void {
    this.#input.onChunk(chunkOf([], this.#input.position), this.#events.length);
    this.#time.tick(now_ms);
    this.#time.tick(now_ms + IDLE_MS);
    this.#time.step();
  }
}

/** Reads a finished log and looks, at every step of its watermark, at what is still to come. */
function readDown(
  plan: ResolvedPlan,
  partition: number,
  log: Log,
): { watermark_ms: number; all_read: boolean } {
  const down = plan.stages[1]!;
  const time = new TaskTime(plan, down, partition, new TaskState().store('$time'));
  const input = taskInput(down.inputs[0]!, time.clockOf(down.inputs[0]!));
  time.bind([input]);
  const seen = new Set<string>();
  let all_read = false;
  for (const [at, entry] of log.entries()) {
    if (entry.type === 'data') {
      seen.add(entry.id);
      continue;
    }
    time.accept(input, entry.record);
    const before_ms = time.watermark_ms;
    const step = time.step();
    all_read = step.type === 'all_read' || (all_read && step.type === 'none');
    assert.ok(time.watermark_ms >= before_ms, 'the watermark goes back');
    if (step.type === 'none') continue;
    const reached_ms = step.type === 'all_read' ? Number.POSITIVE_INFINITY : step.watermark_ms;
    for (const late of log.slice(at + 1))
      if (late.type === 'data' && !seen.has(late.id))
        assert.ok(
          late.time_ms >= reached_ms,
          `${late.id} of ${late.time_ms} comes after watermark ${reached_ms}`,
        );
  }
  return { watermark_ms: time.watermark_ms, all_read };
}

const source = fc.array(
  fc.record({
    forward_ms: fc.integer({ min: 0, max: 50 }),
    back_ms: fc.integer({ min: 0, max: DISORDER_MS }),
    to: fc.integer({ min: 0, max: WIDTH - 1 }),
  }),
  { maxLength: 30 },
);
const run = fc.record({
  clock: fc.constantFrom<'wall' | 'event'>('wall', 'event'),
  sources: fc.tuple(source, source, source, source),
  turns: fc.array(
    fc.record({ who: fc.integer({ min: 0, max: WIDTH - 1 }), count: fc.integer({ min: 0, max: 8 }) }),
    { maxLength: 60 },
  ),
  victim: fc.integer({ min: 0, max: WIDTH - 1 }),
  kills: fc.uniqueArray(fc.nat({ max: 59 }), { maxLength: 3 }),
  written: fc.nat({ max: 12 }),
  silent: fc.integer({ min: 0, max: WIDTH - 1 }),
  silent_from: fc.nat({ max: 59 }),
});

/** Times stand at the upper edge of what has been seen, less at most the disorder. */
function eventsOf(made: { forward_ms: number; back_ms: number; to: number }[], base_ms: number): Event[] {
  let front_ms = base_ms;
  return made.map(({ forward_ms, back_ms, to }) => {
    front_ms += forward_ms;
    return { time_ms: front_ms - back_ms, to };
  });
}

test('property: no watermark passes a record that is still to come, and all reach the end', () => {
  fc.assert(
    fc.property(run, ({ clock, sources, turns, victim, kills, written, silent, silent_from }) => {
      const now_ms = Date.now();
      const base_ms = now_ms - 1_000_000;
      const plan = planWith(clock);
      const logs: Log[] = PARTITIONS.map(() => []);
      const tasks = sources.map((made, at) => new Upstream(plan, at, eventsOf(made, base_ms), logs));
      for (const [at, { who, count }] of turns.entries()) {
        const task = tasks[who]!;
        if (who === silent && at >= silent_from) {
          // It has read all there is, and says that it is idle while the others go on.
          task.process(Number.POSITIVE_INFINITY);
          task.fallSilent(now_ms);
        } else task.process(count);
        task.commit(who === victim && kills.includes(at) ? written : undefined);
      }
      for (const task of tasks) {
        task.process(Number.POSITIVE_INFINITY);
        task.commit();
      }
      for (const task of tasks) {
        task.fallSilent(now_ms);
        task.commit();
      }
      const written_ids = new Set(logs.flat().map((entry) => (entry.type === 'data' ? entry.id : '')));
      for (const [at, made] of sources.entries())
        for (const offset of made.keys())
          assert.ok(written_ids.has(`${at}/${offset}`), `${at}/${offset} is lost`);
      for (const [partition, log] of logs.entries()) {
        const end = readDown(plan, partition, log);
        if (clock === 'event') assert.ok(end.all_read, 'not all is read in the end');
        else assert.equal(end.watermark_ms, now_ms + IDLE_MS);
      }
    }),
    { numRuns: 300 },
  );
});

test('an upstream task that never speaks holds every downstream task', () => {
  const plan = planWith('wall');
  const logs: Log[] = PARTITIONS.map(() => []);
  const now_ms = Date.now();
  const tasks = PARTITIONS.map((at) => new Upstream(plan, at, [{ time_ms: now_ms - 1_000, to: at }], logs));
  for (const task of tasks.slice(1)) {
    task.process(1);
    task.commit();
  }
  for (const [partition, log] of logs.entries())
    assert.equal(readDown(plan, partition, log).watermark_ms, Number.NEGATIVE_INFINITY);
  tasks[0]!.commit();
  for (const [partition, log] of logs.entries())
    assert.equal(
      readDown(plan, partition, log).watermark_ms,
      Number.NEGATIVE_INFINITY,
      'spoke without a time',
    );
  tasks[0]!.process(1);
  tasks[0]!.commit();
  for (const [partition, log] of logs.entries())
    assert.equal(readDown(plan, partition, log).watermark_ms, now_ms - 1_000 - DISORDER_MS);
});
