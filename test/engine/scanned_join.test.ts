/**
 * Predictions and feedback that are scanned and joined as bytes say what they say when they go through the actors as
 * objects: same windows, same entries in the changelog, same late records, dead letters and ledger.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import pino from 'pino';
import { type Aggregate, emptyAggregate, isEmpty, mergeAggregate } from '../../actors/aggregate.ts';
import { type PackedDelta, unpackDelta } from '../../actors/packed_delta.ts';
import { windowKey } from '../../actors/window_delta.ts';
import type { Commit, Committer } from '../../engine/committer.ts';
import { InHand } from '../../engine/in_hand.ts';
import type { LedgerEntries } from '../../engine/ledger.ts';
import type { LogReader, PartitionSink } from '../../engine/log_reader.ts';
import type { LogRecord } from '../../engine/partition_reader.ts';
import { partitionOf } from '../../engine/partitioner.ts';
import type { ResolvedPlan } from '../../engine/plan.ts';
import { Task } from '../../engine/task.ts';
import { chunkOf } from '../../engine/testing.ts';
import { lint } from '../../topology/lint.ts';
import { makePlan } from '../../topology/plan.ts';
import { until } from '../harness/until.ts';

const NOON = Date.UTC(2024, 0, 1, 12);
const PARTITIONS = 2;
const DELTAS = 'p1';

/** With `others`, somebody else reads the events too, so that they have to be made. */
function planOf(over: string, others: boolean): ResolvedPlan {
  const text = `
topology: joined
commit_interval: 1h
sources: { events: { kafka: { topic: in.events }, key: prediction_id, partitioner: murmur2, disorder: 2s } }
actors:
  capture: { from: events, join: { wait: 30s }, lateness: 1m }
  stats:
    kind: window
    from: capture
    tumbling: 1m
    lateness: 1m
    over: ${over}
    measures: [time_to_action, server_load]
sinks:
  windows: { from: stats, kafka: { topic: out.windows } }
${others ? '  events: { from: capture.events, kafka: { topic: out.events } }' : ''}`;
  const { graph, problems } = lint(text, 'joined.yaml', {});
  assert.ok(graph, JSON.stringify(problems));
  const plan = makePlan(graph);
  return { ...plan, partitions: Object.fromEntries(plan.topics.map(({ name }) => [name, PARTITIONS])) };
}

interface Said {
  /** Sums over all deltas of a key and slice. */
  windows: Map<string, { represents: number; aggregate: Aggregate }>;
  set_aside: unknown[];
  ledger: LedgerEntries;
  state: Map<string, unknown>;
}

/** What the task of partition 0 says of these records, which it is given some at a time. */
async function said(plan: ResolvedPlan, chunks: LogRecord[][]): Promise<Said> {
  const commits: Commit[] = [];
  const changelog = new Map<string, unknown>();
  let sink: PartitionSink | undefined;
  const reader = {
    add: (_topic: string, _partition: number, _position: number, added: PartitionSink) => {
      sink = added;
    },
    remove: () => undefined,
    seek: () => undefined,
    wake: () => undefined,
  } as unknown as LogReader;
  const committer = {
    commit: async (_task: string, commit: Commit) => {
      commits.push(commit);
      for (const { key, value } of changesIn(commit)) {
        if (value === null) changelog.delete(key);
        else changelog.set(key, JSON.parse(value));
      }
    },
    open: async () => undefined,
    trouble: () => null,
    abandon: () => undefined,
  } as unknown as Committer;
  const stage = { ...plan.stages[0]!, changelog: undefined } as unknown as ResolvedPlan['stages'][number];
  const failures: Error[] = [];
  const task = new Task(
    { id: `${stage.name}/0`, plan, stage, partition: 0, paused: new Set(), suspicion: null },
    {
      connectors: null,
      reader,
      committer,
      committedOffsets: async (inputs) => inputs.map(() => null),
      endOffset: () => Promise.reject(new Error('nothing starts at the end here')),
      runJob: () => Promise.reject(new Error('nothing is trained here')),
      onEmissions: () => undefined,
      onFailed: (_, error) => failures.push(error),
      onCleared: () => undefined,
      in_hand: new InHand(InHand.memory()),
      now: () => NOON,
      cluster_id: 'test',
    },
    pino({ level: 'silent' }),
  );
  task.start();
  await until(() => sink !== undefined, 'the task reads');
  const end_offset = chunks.flat().at(-1)!.offset + 1;
  for (const chunk of chunks) sink!.onChunk(chunkOf(chunk), end_offset);
  await until(() => task.status().inputs[0]?.position === end_offset || failures.length > 0, 'all is read');
  const { ledger } = task.status();
  await task.stop('commit');
  assert.deepEqual(failures, []);
  const outputs = commits.flatMap((commit) => commit.outputs);
  const set_aside = outputs
    .filter(({ topic }) => topic === plan.late_topic || topic === plan.dead_letter_topic)
    .map(({ topic, value, headers }) => ({ topic, value: String(value), code: headers['errata.code'] }))
    .sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
  const deltas = outputs
    .filter(({ headers }) => headers.errata === DELTAS)
    .flatMap(({ value }) => JSON.parse(String(value)) as PackedDelta[]);
  return { windows: sumUp(deltas), set_aside, ledger, state: changelog };
}

function changesIn({ changelog: { changes, packed } }: Commit): { key: string; value: string | null }[] {
  const unpacked = Array.from({ length: packed?.length ?? 0 }, (_, index) => packed!.at(index));
  return [
    ...changes.filter(({ key }) => key.startsWith('capture')),
    ...unpacked.map(({ key, value }) => ({ key: String(key), value: value === null ? null : String(value) })),
  ];
}

/** What the windows make of the deltas, in whatever portions they come. Those in which nothing is left are left out. */
function sumUp(deltas: PackedDelta[]): Said['windows'] {
  const windows: Said['windows'] = new Map();
  for (const { key, start_ms, represents, aggregate } of deltas.map(unpackDelta)) {
    const place = `${start_ms} ${windowKey(key)}`;
    const sum = windows.get(place) ?? { represents: 0, aggregate: emptyAggregate() };
    windows.set(place, sum);
    sum.represents += represents;
    mergeAggregate(sum.aggregate, aggregate, Number.POSITIVE_INFINITY);
  }
  const isLeft = ({ represents, aggregate }: { represents: number; aggregate: Aggregate }) =>
    represents !== 0 || !isEmpty(aggregate) || Object.keys(aggregate.predictions).length > 0;
  return new Map([...windows].filter(([, sum]) => isLeft(sum)));
}

const isAtHome = (id: string) => partitionOf('murmur2', id, PARTITIONS) === 0;
const ELSEWHERE = ['a', 'b', 'c', 'd', 'e', 'f'].find((id) => !isAtHome(id))!;
const ID = fc.constantFrom(...Array.from({ length: 20 }, (_, index) => `p-${index}`).filter(isAtHome));
const eighths = fc.integer({ min: 0, max: 800 }).map((value) => value / 8);
const stats = fc.record({ mean: fc.constantFrom(0.5, -2.5, 7), std: fc.constantFrom(1, 2.5) });
const prediction = fc.record(
  {
    prediction_id: ID,
    deployment_id: fc.constantFrom('spam', 'übel'),
    model_version: fc.constantFrom('v1', 'v2'),
    latency_ms: eighths,
    server_load: fc.constantFrom(0.25, 0.5),
    input_stats: stats,
  },
  { requiredKeys: ['prediction_id', 'deployment_id', 'model_version'] },
);
const feedback = fc.record(
  {
    prediction_id: ID,
    feedback_type: fc.constant('explicit'),
    rating: fc.constantFrom(1, 3, 5),
    time_to_action: eighths,
    event_id: fc.constantFrom(...Array.from({ length: 12 }, (_, index) => `e${index}`)),
    input_stats: stats,
    comment: fc.string(),
  },
  { requiredKeys: ['prediction_id', 'feedback_type', 'rating'] },
);

const given = fc.oneof(
  { weight: 10, arbitrary: prediction },
  { weight: 10, arbitrary: feedback },
  { weight: 1, arbitrary: fc.constant('{') },
  // Not at home in this partition.
  { weight: 1, arbitrary: prediction.map((body) => ({ ...body, prediction_id: ELSEWHERE })) },
  { weight: 1, arbitrary: prediction.map(({ prediction_id: _, ...body }) => body) },
);

/** Event time goes on by a second per record, give or take a little; some are behind the lateness, or nearly. */
const drawn = fc.record({
  body: given,
  disorder_ms: fc.oneof(
    { weight: 20, arbitrary: fc.integer({ min: -3_000, max: 1_500 }) },
    { weight: 1, arbitrary: fc.constantFrom(-150_000, -62_000, -40_000) },
  ),
});

function recordOf(
  { body, disorder_ms }: { body: object | string; disorder_ms: number },
  offset: number,
): LogRecord {
  const now_ms = NOON + offset * 1_000;
  const json = typeof body === 'string' ? body : JSON.stringify({ ...body, timestamp: now_ms + disorder_ms });
  return { offset, timestamp_ms: now_ms, key: null, value: Buffer.from(json), headers: {} };
}

for (const over of ['feedback', 'all'])
  test(`records joined as bytes say what they say as objects (over: ${over})`, async () => {
    const scanned = planOf(over, false);
    const ordinary = planOf(over, true);
    await fc.assert(
      fc.asyncProperty(fc.array(drawn, { minLength: 100, maxLength: 300 }), async (draws) => {
        const all = draws.map(recordOf);
        const chunks = [all.slice(0, 50), all.slice(50)];
        assert.deepEqual(await said(scanned, chunks), await said(ordinary, chunks));
      }),
      { numRuns: 30, endOnFailure: true },
    );
  });
