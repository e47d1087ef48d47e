/**
 * Predictions and feedback that are scanned and joined as bytes say what they say when they go through the actors as
 * objects: same windows, same entries in the changelog, same late records, dead letters and ledger.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  type Aggregate,
  emptyAggregate,
  isEmpty,
  type LeanAggregate,
  lean,
  mergeAggregate,
} from '../../actors/aggregate.ts';
import { type Bins, walkBins } from '../../actors/bins.ts';
import { KEEP_MS } from '../../actors/entries_layout.ts';
import { JoinMemory } from '../../actors/join_memory.ts';
import { type PackedDelta, unpackDelta } from '../../actors/packed_delta.ts';
import { ScannedJoin } from '../../actors/scanned_join.ts';
import { windowKey } from '../../actors/window_delta.ts';
import type { LedgerEntries } from '../../engine/ledger.ts';
import type { LogRecord } from '../../engine/partition_reader.ts';
import { partitionOf } from '../../engine/partitioner.ts';
import type { ResolvedPlan } from '../../engine/plan.ts';
import { aboveHalfOfMemory, NOON, PARTITIONS, playScanned, scannedPlan, takenBy } from './scanned_play.ts';

const DELTAS = 'p1';

/** With `others`, somebody else reads the events too, so that they have to be made. */
function planOf(over: string, others: boolean): ResolvedPlan {
  return scannedPlan(`
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
${others ? '  events: { from: capture.events, kafka: { topic: out.events } }' : ''}`);
}

interface Said {
  /** Sums over all deltas of a key and slice; of a distribution its bins, however they are kept. */
  windows: Map<string, { represents: number; aggregate: LeanAggregate; bins: object }>;
  set_aside: unknown[];
  ledger: LedgerEntries;
  state: Map<string, unknown>;
}

/** What the task of partition 0 says of these records, which it is given some at a time. */
async function said(plan: ResolvedPlan, chunks: LogRecord[][]): Promise<Said> {
  const { outputs, changes, ledger } = await playScanned(plan, chunks);
  const state = new Map<string, unknown>();
  for (const { key, value } of changes.filter((one) => one.key.startsWith('capture'))) {
    if (value === null) state.delete(key);
    else state.set(key, JSON.parse(value));
  }
  const set_aside = outputs
    .filter(({ topic }) => topic === plan.late_topic || topic === plan.dead_letter_topic)
    .map(({ topic, value, headers }) => ({ topic, value: String(value), code: headers['errata.code'] }))
    .sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
  const deltas = outputs
    .filter(({ headers }) => headers.errata === DELTAS)
    .flatMap(({ value }) => JSON.parse(String(value)) as PackedDelta[]);
  return { windows: sumUp(deltas), set_aside, ledger, state };
}

/** What the windows make of the deltas, in whatever portions they come. Those in which nothing is left are left out. */
function sumUp(deltas: PackedDelta[]): Said['windows'] {
  const windows = new Map<string, { represents: number; aggregate: Aggregate }>();
  for (const { key, start_ms, represents, aggregate } of deltas.map(unpackDelta)) {
    const place = `${start_ms} ${windowKey(key)}`;
    const sum = windows.get(place) ?? { represents: 0, aggregate: emptyAggregate() };
    windows.set(place, sum);
    sum.represents += represents;
    mergeAggregate(sum.aggregate, aggregate, Number.POSITIVE_INFINITY);
  }
  const isLeft = ({ represents, aggregate }: { represents: number; aggregate: Aggregate }) =>
    represents !== 0 || !isEmpty(aggregate) || Object.keys(aggregate.predictions ?? {}).length > 0;
  return new Map(
    [...windows]
      .filter(([, sum]) => isLeft(sum))
      .map(([place, { represents, aggregate }]) => {
        const { latency_ms, measures, ...rest } = lean(aggregate);
        const bins = Object.entries({ latency_ms, ...measures }).map(([name, distribution]) => [
          name,
          distribution && { ...distribution, bins: listed(distribution.bins) },
        ]);
        return [place, { represents, aggregate: rest, bins: Object.fromEntries(bins) }];
      }),
  );
}

function listed(bins: Bins): number[] {
  const list: number[] = [];
  walkBins(bins, (bin, _is_negative, count) => list.push(bin, count) > 0);
  return list;
}

const isAtHome = (id: string) => partitionOf('murmur2', id, PARTITIONS) === 0;
const ELSEWHERE = ['a', 'b', 'c', 'd', 'e', 'f'].find((id) => !isAtHome(id))!;
const idsBelow = (count: number) =>
  fc.constantFrom(...Array.from({ length: count }, (_, index) => `p-${index}`).filter(isAtHome));
const ID = idsBelow(20);
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
  // More digits than a double has.
  const spelled = json.replace(/("latency_ms":\d+\.5)([,}])/, '$1000000000000000000$2');
  return { offset, timestamp_ms: now_ms, key: null, value: Buffer.from(spelled), headers: {} };
}

/** What is drawn says the same both ways. */
async function compare(over: string, runs: number, draw = drawn): Promise<void> {
  const scanned = planOf(over, false);
  const ordinary = planOf(over, true);
  let records_read = 0;
  const taken = await takenBy(ScannedJoin, () =>
    fc.assert(
      fc.asyncProperty(fc.array(draw, { minLength: 100, maxLength: 300 }), async (draws) => {
        const all = draws.map(recordOf);
        records_read += all.length;
        const chunks = [all.slice(0, 50), all.slice(50)];
        assert.deepEqual(await said(scanned, chunks), await said(ordinary, chunks));
      }),
      { numRuns: runs, endOnFailure: true },
    ),
  );
  const told = `${taken.all} of ${records_read} records were joined as bytes, ${taken.in_runs} of them in runs`;
  assert.ok(taken.all > 0.3 * records_read && taken.in_runs > 0.3 * taken.all, told);
}

for (const over of ['feedback', 'all'])
  test(`records joined as bytes say what they say as objects (over: ${over})`, () => compare(over, 30));

const ofMany = fc.record({
  body: fc.tuple(fc.oneof(prediction, feedback), idsBelow(1_000)).map(([body, prediction_id]) => ({
    ...body,
    prediction_id,
  })),
  disorder_ms: fc.integer({ min: -3_000, max: 1_500 }),
});

test('so they do with hundreds of predictions', () => compare('feedback', 5, ofMany));

test('so they do where the state lies above 2 GB', () => aboveHalfOfMemory(() => compare('feedback', 5)));

test('a join in memory that keeps its entries a second too long is noticed', async () => {
  const { begin } = JoinMemory.prototype;
  JoinMemory.prototype.begin = function (this: JoinMemory) {
    begin.call(this);
    this.memory.setDouble(KEEP_MS, this.memory.double(KEEP_MS) + 1_000);
  };
  try {
    await assert.rejects(compare('feedback', 5), /Property failed/);
  } finally {
    JoinMemory.prototype.begin = begin;
  }
});
