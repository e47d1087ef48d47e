/**
 * Windows of every kind against a model that keeps all events: whatever the order in which several upstream tasks
 * hand on what they summed up, with events that are taken back and events that come late, with commits and watermarks
 * at random moments, what is said in the end is what the model says.
 */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { Alert } from '../messages/assessment.ts';
import type { Event } from '../messages/event.ts';
import type { WindowResult } from '../messages/window.ts';
import { severity } from './severity.ts';
import { configOf, type Emission, TestTask } from './testing.ts';
import { window } from './window.ts';
import type { WindowConfig } from './window_config.ts';
import type { WindowDelta } from './window_delta.ts';
import { correctedFor, type WindowKind, windowKind } from './window_kind.ts';
import { windowPartial } from './window_partial.ts';

const NOON = Date.UTC(2024, 0, 1, 12);
const MINUTE = 60_000;
const TASKS = 3;
const END_OF_TIME = NOON + 1e9;

const KINDS: Record<string, object> = {
  tumbling: { tumbling: '5m' },
  hopping: { hopping: { size: '6m', every: '4m' } },
  session: { session: { gap: '2m' } },
};

type Step =
  | { type: 'add'; task: number; event: Event }
  /** Takes back what the task added `back` steps ago. */
  | { type: 'retract'; task: number; back: number }
  | { type: 'commit'; task: number }
  | { type: 'advance'; by_ms: number }
  | { type: 'all_read' };

const event: fc.Arbitrary<Event> = fc.record({
  op: fc.constant('add' as const),
  origin: fc.constant('feedback' as const),
  time_ms: fc.integer({ min: 0, max: 40 * 60 }).map((second) => NOON + second * 1000),
  deployment_id: fc.constantFrom('spam', 'spam', 'fraud'),
  model_version: fc.constant('v1'),
  rating: fc.constantFrom(1, 5),
  latency_ms: fc.integer({ min: 1, max: 9 }),
});
const task = fc.nat({ max: TASKS - 1 });
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ type: fc.constant('add' as const), task, event }) },
  {
    weight: 2,
    arbitrary: fc.record({ type: fc.constant('retract' as const), task, back: fc.nat({ max: 9 }) }),
  },
  { weight: 4, arbitrary: fc.record({ type: fc.constant('commit' as const), task }) },
  {
    weight: 3,
    arbitrary: fc.record({
      type: fc.constant('advance' as const),
      by_ms: fc.integer({ min: 1, max: 6 * 60 }).map((seconds) => seconds * 1000),
    }),
  },
  { weight: 1, arbitrary: fc.constant({ type: 'all_read' as const }) },
);
const steps = fc.array(step, { maxLength: 90, size: 'max' });

interface Told {
  watermark_ms: number;
  emissions: Emission[];
}

/** Several local halves, and the half that keeps the windows with severity behind it. */
class Run {
  readonly config: WindowConfig;
  readonly kind: WindowKind;
  readonly told: Told[] = [];
  /** What passed the late check, for the model: what was added less what was taken back. */
  readonly accepted: { window_start_ms: number; event: Event }[] = [];
  /** All that the windows' half was handed, to hand it on once more. */
  readonly log: (WindowDelta | { watermark_ms: number })[] = [];
  readonly #locals: TestTask[];
  readonly #added: Event[][] = Array.from({ length: TASKS }, () => []);
  readonly #uncommitted: Event[][] = Array.from({ length: TASKS }, () => []);
  readonly #merged: TestTask;
  watermark_ms = Number.NEGATIVE_INFINITY;

  constructor(given: object, severity_config: object = {}) {
    this.config = configOf(window, { lateness: '10m', measures: ['latency_ms'], ...given }) as WindowConfig;
    this.kind = windowKind(this.config);
    this.#locals = Array.from(
      { length: TASKS },
      () => new TestTask([{ name: 'local', kind: windowPartial, config: this.config }]),
    );
    this.#merged = windowsTask(this.config, severity_config);
  }

  take(all: readonly Step[]): this {
    for (const one of all) this.#step(one);
    for (let task = 0; task < TASKS; task++) this.#commit(task);
    this.#advance(END_OF_TIME);
    return this;
  }

  #step(step: Step): void {
    switch (step.type) {
      case 'add':
        this.#added[step.task]!.push(step.event);
        this.#send(step.task, step.event);
        break;
      case 'retract': {
        const added = this.#added[step.task]!;
        const [event] = added.splice(Math.max(0, added.length - 1 - step.back), 1);
        if (event) this.#send(step.task, { ...event, op: 'retract' });
        break;
      }
      case 'commit':
        this.#commit(step.task);
        break;
      case 'advance':
        this.#advance(Math.max(this.watermark_ms, NOON) + step.by_ms);
        break;
      case 'all_read':
        this.#merged.allRead();
        this.#note();
    }
  }

  #send(task: number, event: Event): void {
    this.#uncommitted[task]!.push(event);
    this.#locals[task]!.send('local', 'events', event);
  }

  #commit(task: number): void {
    for (const event of this.#uncommitted[task]!.splice(0)) this.#accept(event);
    for (const { value } of this.#locals[task]!.commit()) {
      this.log.push(value as WindowDelta);
      this.#merged.send('stats', 'deltas', value);
    }
    this.#note();
  }

  #accept(event: Event): void {
    const lateness_ms = 10 * MINUTE;
    for (const start_ms of windowStarts(event.time_ms, this.kind)) {
      const end_ms = start_ms + (this.kind.type === 'fixed' ? this.kind.size_ms : 2 * MINUTE + 2000);
      if (end_ms + lateness_ms > this.watermark_ms) this.accepted.push({ window_start_ms: start_ms, event });
    }
  }

  #advance(watermark_ms: number): void {
    this.watermark_ms = watermark_ms;
    this.log.push({ watermark_ms });
    this.#merged.advance(watermark_ms);
    this.#note();
  }

  #note(): void {
    this.told.push({
      watermark_ms: this.watermark_ms,
      emissions: [...this.#merged.handed_on.splice(0), ...this.#merged.commit()],
    });
  }

  results(): WindowResult[] {
    return this.#of<WindowResult>('windows');
  }

  alerts(): Alert[] {
    return this.#of<Alert>('alerts');
  }

  #of<Value>(output: string): Value[] {
    const all = this.told.flatMap(({ emissions }) => emissions);
    return all.filter((one) => one.output === output).map(({ value }) => value as Value);
  }

  stateKeys(): string[] {
    return [...this.#merged.stateKeys('stats'), ...this.#merged.stateKeys('severity')];
  }
}

/** Severity is fused with the windows. */
function windowsTask(config: object, severity_config: object): TestTask {
  const lateness = correctedFor(configOf(window, config) as WindowConfig);
  return new TestTask([
    { name: 'stats', kind: window, config, to: { windows: { actor: 'severity', input: 'windows' } } },
    { name: 'severity', kind: severity, config: { lateness, ...severity_config } },
  ]);
}

function bytesOf(emissions: Emission[], output: string): string {
  return JSON.stringify(emissions.filter((one) => one.output === output));
}

function windowStarts(time_ms: number, kind: WindowKind): number[] {
  if (kind.type === 'session') return [Math.floor(time_ms / kind.slice_ms) * kind.slice_ms];
  const starts: number[] = [];
  for (let start_ms = 0; start_ms < kind.size_ms; start_ms += kind.slice_ms) {
    const start = Math.floor(time_ms / kind.slice_ms) * kind.slice_ms - start_ms;
    if (start % kind.every_ms === 0) starts.push(start);
  }
  return starts;
}

interface Counted {
  events: number;
  low: number;
  latency_sum: number;
}

/** `{deployment} {start} {end}` → what is in the window. */
function modelOf(run: Run): Map<string, Counted> {
  const slices = new Map<string, Counted & { deployment: string; start_ms: number }>();
  for (const { window_start_ms, event } of run.accepted) {
    const id = `${event.deployment_id} ${window_start_ms}`;
    const empty = {
      deployment: event.deployment_id,
      start_ms: window_start_ms,
      events: 0,
      low: 0,
      latency_sum: 0,
    };
    const counted = slices.get(id) ?? empty;
    const weight = event.op === 'add' ? 1 : -1;
    counted.events += weight;
    if (event.rating! < 3) counted.low += weight;
    counted.latency_sum += weight * event.latency_ms!;
    slices.set(id, counted);
  }
  const filled = [...slices.values()]
    .filter(({ events }) => events > 0)
    .sort((a, b) => a.start_ms - b.start_ms);
  return run.kind.type === 'session' ? sessionsIn(filled, run.kind) : fixedIn(filled, run.kind.size_ms);
}

type Filled = Counted & { deployment: string; start_ms: number };

function fixedIn(filled: Filled[], size_ms: number): Map<string, Counted> {
  return new Map(
    filled.map(({ deployment, start_ms, ...counted }) => [
      `${deployment} ${start_ms} ${start_ms + size_ms}`,
      counted,
    ]),
  );
}

function sessionsIn(filled: Filled[], { gap_ms, slice_ms }: { gap_ms: number; slice_ms: number }) {
  const found = new Map<string, Counted>();
  for (const deployment of ['spam', 'fraud']) {
    let rest = filled.filter((slice) => slice.deployment === deployment);
    while (rest.length > 0) {
      const size = rest.findIndex(({ start_ms }, at) => at > 0 && start_ms - rest[at - 1]!.start_ms > gap_ms);
      const session = rest.slice(0, size < 0 ? rest.length : size);
      rest = rest.slice(session.length);
      const end_ms = session.at(-1)!.start_ms + slice_ms + gap_ms;
      found.set(`${deployment} ${session[0]!.start_ms} ${end_ms}`, {
        events: session.reduce((sum, { events }) => sum + events, 0),
        low: session.reduce((sum, { low }) => sum + low, 0),
        latency_sum: session.reduce((sum, { latency_sum }) => sum + latency_sum, 0),
      });
    }
  }
  return found;
}

function lastByStart<Message extends { window_start: unknown }>(
  messages: Message[],
  deploymentOf: (message: Message) => string,
): Message[] {
  return [...new Map(messages.map((one) => [`${deploymentOf(one)} ${one.window_start}`, one])).values()];
}

/** What was said last of every window that is not empty. */
function saidBy(run: Run): Map<string, Counted> {
  const last = lastByStart(run.results(), ({ key }) => key.deployment_id!);
  return new Map(
    last
      .filter(({ total_events }) => total_events > 0)
      .map(({ key, window_start, window_end, total_events, low_ratings, measures }) => [
        `${key.deployment_id} ${Date.parse(String(window_start))} ${Date.parse(String(window_end))}`,
        {
          events: total_events,
          low: low_ratings,
          latency_sum: Math.round(measures.latency_ms!.mean! * total_events * 1e6) / 1e6,
        },
      ]),
  );
}

function assertSameEntries(found: Map<string, unknown>, expected: Map<string, unknown>): void {
  assert.deepEqual(new Map([...found].sort()), new Map([...expected].sort()));
}

function assertRevisionsInOrder(results: WindowResult[]): void {
  const next = new Map<string, number>();
  for (const { key, window_start, revision } of results) {
    const id = `${key.deployment_id} ${window_start}`;
    assert.equal(revision, next.get(id) ?? 0, id);
    next.set(id, revision + 1);
  }
}

/** An alert is raised where none stands, and corrected or resolved where one does. */
function assertAlertsInOrder(alerts: Alert[]): void {
  const standing = new Set<string>();
  for (const { deployment_id, window_start, kind } of alerts) {
    const id = `${deployment_id} ${window_start}`;
    assert.equal(standing.has(id), kind !== 'raise', `${kind} of ${id}`);
    if (kind === 'resolve') standing.delete(id);
    else standing.add(id);
  }
}

function standingAlerts(alerts: Alert[]): Set<string> {
  const last = lastByStart(alerts, ({ deployment_id }) => deployment_id);
  return new Set(
    last
      .filter(({ kind }) => kind !== 'resolve')
      .map(
        ({ deployment_id, window_start, window_end }) =>
          `${deployment_id} ${Date.parse(window_start)} ${Date.parse(window_end)}`,
      ),
  );
}

for (const [name, kind] of Object.entries(KINDS)) {
  describe(`${name} windows`, () => {
    for (const provisional of [undefined, '90s'])
      it(`say in the end what a model says${provisional ? ', also where they speak before' : ''}`, () => {
        fc.assert(
          fc.property(steps, fc.constantFrom('final', 'provisional'), (all, alert_on) => {
            const run = new Run({ ...kind, ...(provisional ? { provisional } : {}) }, { alert_on }).take(all);
            const model = modelOf(run);
            assertSameEntries(saidBy(run), model);
            assertRevisionsInOrder(run.results());
            assertAlertsInOrder(run.alerts());
            const fires = [...model].filter(([, { events, low }]) => low / events > 0.3).map(([id]) => id);
            assert.deepEqual(standingAlerts(run.alerts()), new Set(fires));
            assert.deepEqual(run.stateKeys(), [], 'nothing is kept in the end');
          }),
          { numRuns: 120 },
        );
      });

    it('say the same, byte by byte, when they are handed the same once more, whenever they commit', () => {
      fc.assert(
        fc.property(
          steps.map((all) => all.filter(({ type }) => type !== 'all_read')),
          fc.array(fc.boolean(), { minLength: 7, maxLength: 7 }),
          (all, commits) => {
            const first = new Run({ ...kind, provisional: '90s' }).take(all);
            const again = windowsTask(first.config, {});
            const said: Emission[] = [];
            for (const [index, one] of first.log.entries()) {
              if ('watermark_ms' in one) again.advance(one.watermark_ms);
              else again.send('stats', 'deltas', structuredClone(one));
              if (commits[index % commits.length]) said.push(...again.handed_on.splice(0), ...again.commit());
            }
            said.push(...again.handed_on.splice(0), ...again.commit());
            const before = first.told.flatMap(({ emissions }) => emissions);
            for (const output of ['windows', 'assessments', 'alerts'])
              assert.equal(bytesOf(said, output), bytesOf(before, output));
          },
        ),
        { numRuns: 50 },
      );
    });
  });
}
