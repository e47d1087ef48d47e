/**
 * Records that are scanned and summed up in columns say what they say when they go through the actors one by one: same
 * windows with the same revisions, same dead letters and late records, same ledger.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type Bins, walkBins } from '../../actors/bins.ts';
import { forEachCount } from '../../actors/counts.ts';
import { type PackedDelta, unpackDelta } from '../../actors/packed_delta.ts';
import { ScannedAlone } from '../../actors/scanned_capture.ts';
import { windowKey } from '../../actors/window_delta.ts';
import type { LedgerEntries } from '../../engine/ledger.ts';
import type { LogRecord } from '../../engine/partition_reader.ts';
import type { ResolvedPlan } from '../../engine/plan.ts';
import { HEARTBEAT_HEADER } from '../../messages/heartbeat.ts';
import { NOON, playScanned, scannedPlan, takenBy } from './scanned_play.ts';

const MINUTE = 60_000;

/** With `others`, somebody else reads the events too, so that they have to be made. */
function planOf(over: string, by: string, others: boolean): ResolvedPlan {
  return scannedPlan(`
topology: columns
commit_interval: 1h
sources: { events: { kafka: { topic: in.events }, key: deployment_id, partitioner: murmur2, disorder: 2s } }
actors:
  capture: { from: events, join: none }
  stats:
    kind: window
    from: capture
    tumbling: 1m
    lateness: 5m
    by: ${by}
    over: ${over}
    measures: [time_to_action, rating, input_stats.std]
  severity: { from: stats }
sinks:
  windows: { from: stats, kafka: { topic: out.windows } }
  patterns: { from: severity.assessments, kafka: { topic: out.patterns } }
${others ? '  events: { from: capture.events, kafka: { topic: out.events } }' : ''}`);
}

interface Said {
  outputs: unknown[];
  ledger: LedgerEntries;
}

/** What a task says of these chunks, with one commit for all. */
async function said(plan: ResolvedPlan, chunks: LogRecord[][]): Promise<Said> {
  const { outputs: all, ledger } = await playScanned(plan, chunks);
  const outputs = all.filter(({ topic }) => topic !== 'out.events');
  const readable = outputs.map(({ topic, key, value, headers }) => {
    const text = String(value);
    return {
      topic,
      key: String(key),
      value: topic.startsWith('out.') ? rounded(text) : readableText(topic, text),
      headers,
    };
  });
  // Corrections of one commit have no order between windows.
  readable.sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
  return { outputs: readable, ledger };
}

/** Deltas without the order of what has none, and with their histograms as lists, which may also be pages. */
function readableText(topic: string, text: string): unknown {
  if (!topic.endsWith('.deltas') || !text.startsWith('[')) return text;
  const deltas = (JSON.parse(text) as PackedDelta[]).map((packed) => {
    const { aggregate, ...delta } = unpackDelta(packed);
    const { latency_ms, measures, patterns, ...rest } = aggregate;
    const distributions = Object.entries({ latency_ms, ...measures })
      .map(([name, found]) => ({ name, ...found, bins: found && listedBins(found.bins) }))
      .sort((a, b) => (a.name < b.name ? -1 : 1));
    const counts: string[] = [];
    forEachCount(patterns ?? [], (name, count) => counts.push(`${name} ${count}`));
    return { ...delta, aggregate: { ...rest, distributions, patterns: counts.sort() } };
  });
  const place = ({ key, start_ms }: (typeof deltas)[number]) => `${start_ms} ${windowKey(key)}`;
  deltas.sort((a, b) => (place(a) < place(b) ? -1 : 1));
  return rounded(JSON.stringify(deltas));
}

function listedBins(bins: Bins): number[] {
  const list: number[] = [];
  walkBins(bins, (bin, is_negative, count) => list.push(is_negative ? -bin : bin, count) > 0);
  return list;
}

/** Sums depend on the order of addition in their last digits; the values are moved off the halves at which rounding turns. */
function rounded(json: string): unknown {
  return JSON.parse(json, (_, value) =>
    typeof value === 'number' ? Number((value * (1 + 1e-11)).toPrecision(7)) : value,
  );
}

/** Some of them belong in the other partition. */
const deployment = fc.constantFrom('spam', 'ham', 'übel', 'd-1', 'd-2', 'd-3');
const time = fc.integer({ min: -20 * MINUTE, max: 20 * MINUTE });
const number = fc.oneof(
  { weight: 20, arbitrary: fc.integer({ min: 0, max: 800 }).map((eighths) => eighths / 8) },
  { weight: 1, arbitrary: fc.constantFrom(0.0001, 5e9) },
);

/** Sums of these are exact in whatever order, but for the last, which only the ordinary way takes. */
const mean = fc.oneof(
  { weight: 20, arbitrary: fc.integer({ min: -800_000, max: 800_000 }).map((eighths) => eighths / 8) },
  { weight: 1, arbitrary: fc.constant(1e30) },
);

const feedback = fc.record(
  {
    prediction_id: fc.constantFrom('p1', 'p2'),
    feedback_type: fc.constantFrom('explicit', 'implicit'),
    deployment_id: deployment,
    model_version: fc.constantFrom('v1', 'v2'),
    rating: fc.constantFrom(1, 2.5, 3, 5, null),
    time_to_action: number,
    comment: fc.string(),
    input_stats: fc.record({ mean, std: fc.constantFrom(-0.4, 0.7, 12) }),
  },
  { requiredKeys: ['prediction_id', 'feedback_type', 'deployment_id', 'model_version'] },
);
const prediction = fc.record(
  {
    deployment_id: deployment,
    model_version: fc.constant('v1'),
    latency_ms: number,
    input_stats: fc.record({ mean: fc.integer({ min: -5, max: 5 }), std: fc.constant(1.5) }),
  },
  { requiredKeys: ['deployment_id', 'model_version'] },
);

const given = fc.oneof(
  {
    weight: 12,
    arbitrary: fc.tuple(fc.oneof(feedback, prediction), time).map(([body, at]) => ({ body, at })),
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom('{', 'null', '{"feedback_type":"implicit"}', '').map((text) => ({ text })),
  },
  { weight: 1, arbitrary: time.map((heartbeat) => ({ heartbeat })) },
);

const chunk = fc.array(given, { minLength: 50, maxLength: 150 });

/** Event time goes on by a second per record, give or take what was drawn for it. */
function recordOf(
  one: { body: object; at: number } | { text: string } | { heartbeat: number },
  offset: number,
): LogRecord {
  const now_ms = NOON + offset * 1000;
  const written = { offset, timestamp_ms: now_ms, key: null, headers: {} };
  if ('text' in one) return { ...written, value: Buffer.from(one.text) };
  if ('heartbeat' in one)
    return { ...written, value: null, headers: { [HEARTBEAT_HEADER]: String(now_ms + one.heartbeat) } };
  // Most are in order; some are far off.
  const disorder = one.at % 8 === 0 ? one.at : one.at % 3000;
  return { ...written, value: Buffer.from(JSON.stringify({ ...one.body, timestamp: now_ms + disorder })) };
}

/** Of windows that are not by deployment nobody asks by key whether a record is at home. */
const KINDS = [
  ['feedback', '[deployment_id, model_version]'],
  ['all', '[deployment_id, model_version]'],
  ['all', '[model_version]'],
  ['all', '[]'],
] as const;

for (const [over, by] of KINDS)
  test(`scanned and ordinary records give the same windows, late records, dead letters and ledger (over: ${over}, by: ${by})`, async () => {
    const scanned = planOf(over, by, false);
    const ordinary = planOf(over, by, true);
    let records_read = 0;
    const taken = await takenBy(ScannedAlone, () =>
      fc.assert(
        fc.asyncProperty(fc.array(chunk, { minLength: 1, maxLength: 3 }), async (chunks) => {
          let offset = 0;
          const records = chunks.map((chunk) => chunk.map((one) => recordOf(one, offset++)));
          records_read += offset;
          assert.deepEqual(await said(scanned, records), await said(ordinary, records));
        }),
        { numRuns: 20, endOnFailure: true },
      ),
    );
    // Half of them belong elsewhere, and heartbeats make many late.
    assert.ok(taken.all > 0.05 * records_read, `only ${taken.all} of ${records_read} records were scanned`);
  });
