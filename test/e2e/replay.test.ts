/**
 * Windows of every kind over the same input, once live, in small pieces between which silence closes windows by the wall
 * clock, and once all at a time with `clock: event`: the last words are the same. And the stage that keeps the windows,
 * handed what stood on its input topic, writes the same bytes again.
 */
import assert from 'node:assert/strict';
import { it, type TestContext } from 'node:test';
import type { Alert, Assessment } from '../../messages/assessment.ts';
import type { WindowResult } from '../../messages/window.ts';
import { replayTask } from '../harness/replay_task.ts';
import { type RunOptions, TopologyRun } from '../harness/topology_run.ts';
import { until } from '../harness/until.ts';
import { feed } from './last_words.ts';
import { type Batch, makeInput } from './made_input.ts';

const HOUR_MS = 3_600_000;
const LIVE_PAUSE_MS = 300;

const KINDS = {
  stats: { tumbling: '5m' },
  hops: { hopping: { size: '15m', every: '10m' } },
  bursts: { session: { gap: '2m' } },
};
const WINDOWS = Object.keys(KINDS);
const SHARED = {
  kind: 'window',
  from: 'capture',
  idle: '150ms',
  provisional: '2m',
  measures: ['latency_ms'],
};

/** Three kinds of window in one topology, what each tells on a topic of its name. */
function changes(clock: 'wall' | 'event'): NonNullable<RunOptions['changes']> {
  return [
    ...Object.entries(KINDS).flatMap(
      ([name, kind]): NonNullable<RunOptions['changes']> => [
        [['actors', name], { ...SHARED, ...kind }],
        [['sinks', name], { from: name, kafka: { topic: name } }],
      ],
    ),
    [['actors', 'severity', 'from'], WINDOWS],
    [['sources', 'predictions', 'clock'], clock],
    [['sources', 'feedback', 'clock'], clock],
  ];
}

it('says the same of old data, replayed at once, as it said live', async (t) => {
  const from_ms = Math.floor((Date.now() - 4 * HOUR_MS) / HOUR_MS) * HOUR_MS;
  const input = makeInput({ seed: 5, events: 1_000, windows: 12, batches: 3, from_ms, all_recent: true });
  const live = await toldLive(t, input);
  const at_once = await toldAtOnce(t, input);
  for (const window of WINDOWS) {
    assert.ok(live.windows.get(window)!.size > 40, `${live.windows.get(window)!.size} of ${window}`);
    assertAlike(live.windows.get(window)!, at_once.windows.get(window)!);
  }
  assert.ok(live.corrections > 200, `${live.corrections} corrections: hardly anything closed by silence`);
  assert.ok(live.alerts.size > 60, `${live.alerts.size} alerts`);
  assertAlike(live.alerts, at_once.alerts);
});

async function toldLive(t: TestContext, input: readonly Batch[]) {
  const run = await TopologyRun.embedded(t, { changes: changes('wall') });
  await run.start();
  for (const batch of input) {
    await feed(run, batch);
    await run.processor.settled();
    // Long enough that silence closes what is open: the next batch finds it told.
    await new Promise((resolve) => setTimeout(resolve, LIVE_PAUSE_MS));
  }
  return lastTold(run);
}

async function toldAtOnce(t: TestContext, input: readonly Batch[]) {
  const run = await TopologyRun.embedded(t, { changes: changes('event') });
  await run.makeSources();
  for (const batch of input) await feed(run, batch);
  await run.start();
  return lastTold(run);
}

interface LastTold {
  /** By window actor: of each window with events what was told last. */
  windows: Map<string, Map<string, object>>;
  /** Alerts that stand in the end. */
  alerts: Map<string, object>;
  corrections: number;
}

/** Waits until nothing more is told, then reads the sinks. */
async function lastTold(run: TopologyRun): Promise<LastTold> {
  await run.processor.settled();
  let before = -1;
  await until(async () => {
    const told = await allTold(run);
    const count = told.reduce((sum, { length }) => sum + length, 0);
    const has_settled =
      count === before && told.every((results) => lastOf(results).every(({ final }) => final));
    before = count;
    return has_settled;
  }, 'all windows are final');
  const told = await allTold(run);
  await run.stop();
  const alerts = await run.sink<Alert>('alerts');
  return {
    windows: new Map(told.map((results, index) => [WINDOWS[index]!, new Map(comparable(results))])),
    alerts: new Map(standing(alerts)),
    corrections: told.flat().filter(({ revision, final }) => final && revision > 0).length,
  };
}

function allTold(run: TopologyRun): Promise<WindowResult[][]> {
  return Promise.all(
    WINDOWS.map(async (topic) =>
      (await run.read(topic)).map(({ value }) => JSON.parse(value!.toString('utf8')) as WindowResult),
    ),
  );
}

function lastOf(results: readonly WindowResult[]): WindowResult[] {
  return [...new Map(results.map((result) => [idOf(result), result])).values()];
}

function idOf({ key, window_start }: WindowResult): string {
  return `${JSON.stringify(key)} ${window_start}`;
}

/** How often it was told, and how complete it was then, depends on when it was. */
function comparable(results: readonly WindowResult[]): [string, object][] {
  const last = lastOf(results).filter(({ total_events }) => total_events > 0);
  return last.map(({ revision: _, completeness: __, topology: ___, ...result }) => [
    `${JSON.stringify(result.key)} ${result.window_start}`,
    result,
  ]);
}

function standing(alerts: readonly Alert[]): [string, object][] {
  const story = Map.groupBy(
    alerts,
    ({ window, deployment_id, model_version, window_start }) =>
      `${window} ${deployment_id} ${model_version} ${window_start}`,
  );
  return [...story].flatMap(([id, told]): [string, object][] => {
    const { kind, revision: _, id: __, topology: ___, evidence: ____, ...said } = told.at(-1)!;
    return kind === 'resolve' ? [] : [[id, said]];
  });
}

function assertAlike(found: Map<string, object>, expected: Map<string, object>): void {
  assert.deepEqual([...found.keys()].sort(), [...expected.keys()].sort());
  for (const [id, one] of expected) assertNear(found.get(id), one, id);
}

/** Equal, but for the last digits of what is no whole number. */
function assertNear(found: unknown, expected: unknown, where: string): void {
  if (
    typeof expected === 'number' &&
    typeof found === 'number' &&
    !(Number.isInteger(expected) && Number.isInteger(found))
  ) {
    assert.ok(
      Math.abs(found - expected) <= 1e-9 * (1 + Math.abs(expected)),
      `${where}: ${found}, ${expected}`,
    );
  } else if (
    typeof expected === 'object' &&
    expected !== null &&
    typeof found === 'object' &&
    found !== null
  ) {
    assert.deepEqual(Object.keys(found), Object.keys(expected), where);
    for (const [name, value] of Object.entries(squared(expected)))
      assertNear((squared(found) as Record<string, unknown>)[name], value, `${where} ${name}`);
  } else assert.deepEqual(found, expected, where);
}

it('writes the same bytes when its windows are made from their input topic again', async (t) => {
  const from_ms = Math.floor((Date.now() - 4 * HOUR_MS) / HOUR_MS) * HOUR_MS;
  const input = makeInput({ seed: 6, events: 500, windows: 6, batches: 3, from_ms, all_recent: true });
  const run = await TopologyRun.embedded(t, {
    changes: [
      [['actors', 'stats'], { ...SHARED, ...KINDS.bursts }],
      [['sinks', 'windows'], { from: 'stats', kafka: { topic: 'windows' } }],
    ],
  });
  await run.start();
  for (const batch of input) {
    await feed(run, batch);
    await run.processor.settled();
    await new Promise((resolve) => setTimeout(resolve, LIVE_PAUSE_MS));
  }
  await run.processor.settled();
  const { plan } = run.processor;
  await run.stop();
  const stage = plan.stages.find(({ actors }) => actors.some(({ name }) => name === 'stats'))!;
  const deltas = await run.read(stage.inputs[0]!.topic);
  const written = await Promise.all(['windows', 'alerts', 'patterns'].map((topic) => run.read(topic)));
  const again = (
    await Promise.all(
      Array.from({ length: 4 }, (_, partition) =>
        replayTask(
          plan,
          stage,
          partition,
          deltas.filter((record) => record.partition === partition),
        ),
      ),
    )
  ).flat();
  for (const [index, topic] of ['windows', 'alerts', 'patterns'].entries()) {
    assert.ok(written[index]!.length > 20, `${written[index]!.length} on ${topic}`);
    assert.deepEqual(bytesOf(again.filter((one) => one.topic === topic)), bytesOf(written[index]!), topic);
  }
});

/** A deviation is the root of what is as exact as the other sums. */
function squared(value: object): object {
  return 'std' in value && typeof value.std === 'number' ? { ...value, std: value.std ** 2 } : value;
}

/** By window key: several tasks may write to one partition, but only one about a key. */
function bytesOf(records: readonly { key: unknown; value: unknown }[]): Record<string, string[]> {
  const found = Object.groupBy(records, ({ key, value }) => {
    const { key: window_key, model_version } = JSON.parse(String(value)) as Assessment & WindowResult;
    return JSON.stringify([String(key), window_key?.model_version ?? model_version]);
  });
  const lines = Object.entries(found).map(
    ([id, group]) => [id, group!.map(({ value }) => String(value))] as const,
  );
  return Object.fromEntries(lines.sort(([a], [b]) => (a < b ? -1 : 1)));
}
