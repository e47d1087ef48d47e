/** What the columns sum up is what events sum up one by one, however many keys, slices and values there are. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { RecordRun } from '../actors/actor.ts';
import { addEvent, emptyAggregate, lean } from '../actors/aggregate.ts';
import { walkBins } from '../actors/bins.ts';
import { listed } from '../actors/counts.ts';
import { configOf } from '../actors/testing.ts';
import { window } from '../actors/window.ts';
import { WindowColumns } from '../actors/window_columns.ts';
import type { WindowConfig } from '../actors/window_config.ts';
import { windowKind } from '../actors/window_kind.ts';
import { decode } from '../messages/decode.ts';
import type { Event } from '../messages/event.ts';
import { PREDICTION, RecordScanner } from '../messages/record_scanner.ts';
import { BATCH_HEADER_BYTES } from '../wire/batch_layout.ts';
import { encodeBatch } from '../wire/record_batch.ts';

const NOON = Date.UTC(2024, 0, 1, 12);
const MINUTE = 60_000;
const CONFIG = configOf(window, {
  tumbling: '1m',
  lateness: '1h',
  over: 'all',
  measures: ['rating', 'input_stats.max', 'server_load'],
}) as WindowConfig;
const KIND = windowKind(CONFIG);

const anywhere = () => true;

interface Shape {
  records: number;
  keys: number;
  minutes: number;
  /** Of the text that comes with each. */
  text_bytes: number;
}

/** Sums of whole numbers are exact in whatever order. */
function recordsOf({ records, keys, minutes, text_bytes }: Shape, seed: number): Buffer[] {
  let state = seed;
  const draw = (below: number) => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return (state >>> 8) % below;
  };
  return Array.from({ length: records }, (_, index) => {
    const who = { deployment_id: `d-${draw(keys)}-größe`, model_version: `v${draw(3)}` };
    const timestamp = NOON + draw(minutes * MINUTE);
    const input_stats = { mean: draw(200) - 100, std: draw(9), max: draw(1_000_000) };
    const body =
      draw(2) === 0
        ? {
            feedback_type: 'explicit',
            prediction_id: `p-${index}`,
            rating: 1 + draw(5),
            time_to_action: draw(60),
          }
        : { latency_ms: draw(100_000), server_load: draw(3), output: 'x'.repeat(draw(text_bytes + 1)) };
    return Buffer.from(
      JSON.stringify({ ...who, timestamp, ...(draw(3) > 0 ? { input_stats } : {}), ...body }),
    );
  });
}

/** By key and slice, with addEvent. */
function expected(records: readonly Buffer[]): Map<string, unknown> {
  const sums = new Map<string, ReturnType<typeof emptyAggregate>>();
  for (const record of records) {
    const decoded = decode(record);
    assert.ok(decoded.kind !== 'bad');
    const { time_ms } = decoded;
    const event = { ...decoded.value, op: 'add', origin: decoded.kind, time_ms } as unknown as Event;
    const name = `${event.deployment_id} ${event.model_version} ${Math.floor(time_ms / MINUTE)}`;
    const sum = sums.get(name) ?? emptyAggregate();
    addEvent(sum, event, CONFIG);
    sums.set(name, sum);
  }
  return new Map([...sums].map(([name, sum]) => [name, comparable(lean(sum))]));
}

function summed(columns: WindowColumns): Map<string, unknown> {
  return new Map(
    [...columns.take()].map(({ delta: { key, start_ms, end_ms, represents, aggregate } }) => {
      assert.equal(end_ms, start_ms + MINUTE);
      assert.equal(represents, aggregate.events);
      return [`${key.deployment_id} ${key.model_version} ${start_ms / MINUTE}`, comparable(aggregate)];
    }),
  );
}

/** Patterns without their order, and histograms whether they are lists or pages. */
function comparable({ patterns, latency_ms, measures, ...rest }: ReturnType<typeof lean>) {
  const names = patterns ? listed(patterns) : [];
  const counts = names.flatMap((name, at) => (at % 2 === 0 ? [[name, names[at + 1]] as const] : []));
  const distributions = Object.entries({ latency_ms, ...measures }).map(([name, found]) => {
    const bins: number[] = [];
    if (found)
      walkBins(found.bins, (bin, is_negative, count) => bins.push(is_negative ? -bin : bin, count) > 0);
    return { name, ...found, bins };
  });
  distributions.sort((a, b) => (a.name < b.name ? -1 : 1));
  return { ...rest, distributions, patterns: new Map(counts) };
}

/** Window by window, so that a difference can be read. */
function assertSame(sums: ReadonlyMap<string, unknown>, wanted: ReadonlyMap<string, unknown>): void {
  assert.equal(sums.size, wanted.size);
  for (const [name, sum] of wanted) assert.deepEqual(sums.get(name), sum, name);
}

function addOneByOne(columns: WindowColumns, records: readonly Buffer[]): void {
  const scanner = new RecordScanner();
  for (const record of records) {
    assert.ok(scanner.scan(record, 0, record.length));
    assert.ok(columns.takes(scanner, anywhere));
    columns.add(scanner, NOON);
  }
}

const RUN: Omit<RecordRun, 'bytes'> = {
  ...{ position: 0, base_timestamp_ms: NOON, has_own_times: true, offset_delta: -1 },
  ...{ max_record_bytes: 1_000_000, max_ahead_ms: 1e12, lateness_ms: 1e12 },
  ...{ watermark_ms: NOON, held_ms: NOON, reached_ms: NOON, disorder_ms: 0 },
  due_ms: Number.POSITIVE_INFINITY,
};

function batchOf(records: readonly Buffer[]): Buffer {
  const batch = encodeBatch(
    records.map((value, index) => ({ key: null, value, timestamp_ms: NOON + index })),
  );
  return batch.subarray(BATCH_HEADER_BYTES);
}

/** As they stand in a batch; those that are not taken are added one by one. */
function addInRuns(columns: WindowColumns, records: readonly Buffer[], isAtHome = anywhere): number {
  const run: RecordRun = { ...RUN, bytes: batchOf(records) };
  let taken = 0;
  let left = 0;
  for (let most = 1; taken < records.length; most = (most * 7) % 64) {
    const more = columns.takeRecords(run, Math.min(most + 1, records.length - taken), isAtHome);
    taken += more;
    assert.ok(more === 0 || run.offset_delta === taken - 1);
    if (more > 0) continue;
    const value = records[taken++]!;
    addOneByOne(columns, [value]);
    run.position += lengthAt(run.bytes, run.position);
    left++;
  }
  assert.equal(run.position, run.bytes.length);
  return left;
}

/** Of the record there, with its length. */
function lengthAt(bytes: Buffer, position: number): number {
  let length = 0;
  let at = position;
  for (let shift = 0; ; shift += 7) {
    length += (bytes[at]! & 0x7f) * 2 ** shift;
    if (bytes[at++]! < 0x80) break;
  }
  return at - position + length / 2;
}

const shapes: [what: string, shape: Shape][] = [
  ['few keys', { records: 3_000, keys: 3, minutes: 3, text_bytes: 200 }],
  ['thousands of keys', { records: 20_000, keys: 5_000, minutes: 1, text_bytes: 0 }],
  ['hundreds of slices', { records: 10_000, keys: 10, minutes: 700, text_bytes: 0 }],
  ['texts that reach beyond the input', { records: 200, keys: 5, minutes: 2, text_bytes: 100_000 }],
];
for (const [what, shape] of shapes)
  test(`${what}: the sums are those of the events, one by one and in runs, and again after they were taken`, () => {
    const one_by_one = new WindowColumns(CONFIG, KIND);
    const in_runs = new WindowColumns(CONFIG, KIND);
    for (const seed of [1, 2]) {
      const records = recordsOf(shape, seed);
      const sums = expected(records);
      addOneByOne(one_by_one, records);
      assertSame(summed(one_by_one), sums);
      const left = addInRuns(in_runs, records);
      assertSame(summed(in_runs), sums);
      assert.ok(left < records.length / 2, `${left} of ${records.length} did not go in runs`);
      assert.equal(in_runs.due_ms, Number.POSITIVE_INFINITY);
    }
  });

test('fields that run together to the same bytes are different keys', () => {
  const columns = new WindowColumns(CONFIG, KIND);
  const field = fc.constantFrom('', 'a', 'ab', 'b', 'ü');
  const keys = fc.array(fc.tuple(field, field), { maxLength: 40 });
  fc.assert(
    fc.property(keys, (drawn) => {
      const records = drawn.map(([deployment_id, model_version]) =>
        Buffer.from(JSON.stringify({ deployment_id, model_version, timestamp: NOON, latency_ms: 1 })),
      );
      addOneByOne(columns, records);
      assertSame(summed(columns), expected(records));
    }),
  );
});

test('a key that is not at home is not taken, and asked about once', () => {
  const columns = new WindowColumns(CONFIG, KIND);
  const asked: string[] = [];
  const isAtHome = (deployment_id: string) => asked.push(deployment_id) > 0 && deployment_id !== 'away';
  const record = (deployment_id: string) =>
    Buffer.from(JSON.stringify({ deployment_id, model_version: 'v', timestamp: NOON, latency_ms: 1 }));
  const run = { ...RUN, bytes: batchOf(['home', 'home', 'away', 'home'].map(record)) };
  assert.equal(columns.takeRecords(run, 4, isAtHome), 2);
  assert.equal(columns.takeRecords(run, 2, isAtHome), 0);
  assert.deepEqual(asked, ['home', 'away']);
});

test('records are taken until the watermark comes to what is due, and not where they come too late or from far ahead', () => {
  const record = (minute: number) =>
    Buffer.from(
      `{"deployment_id":"d","model_version":"v","timestamp":${NOON + minute * MINUTE},"feedback_type":"implicit","prediction_id":"p"}`,
    );
  const takenOf = (minutes: number[], limits: Partial<RecordRun>) => {
    const run = { ...RUN, held_ms: Number.POSITIVE_INFINITY, bytes: batchOf(minutes.map(record)), ...limits };
    return new WindowColumns(CONFIG, KIND).takeRecords(run, minutes.length, anywhere);
  };
  assert.equal(takenOf([0, 0, 1, 0], {}), 3, 'the first slice is due once time has come to its end');
  assert.equal(takenOf([0, 0, 1, 0], { disorder_ms: MINUTE }), 4);
  assert.equal(takenOf([0, 5, 0], { due_ms: NOON + 3 * MINUTE, disorder_ms: MINUTE }), 2);
  assert.equal(
    takenOf([10, 2, 0], { lateness_ms: 8 * MINUTE, disorder_ms: MINUTE }),
    2,
    'by 7 minutes, then by 9',
  );
  assert.equal(takenOf([0, 3, 1], { max_ahead_ms: 2 * MINUTE, disorder_ms: MINUTE }), 1);
  assert.equal(takenOf([0, 0], { base_timestamp_ms: -10 }), 0, 'nobody knows when they were written');
});

test('what is counted by step is counted where events are not', () => {
  const columns = new WindowColumns({ ...CONFIG, over: 'feedback' }, KIND);
  const scanner = new RecordScanner();
  const text = Buffer.from(
    `{"deployment_id":"d","model_version":"v","timestamp":${NOON + 30_000},"latency_ms":1}`,
  );
  assert.ok(scanner.scan(text, 0, text.length) && scanner.kind === PREDICTION);
  assert.ok(columns.takes(scanner, anywhere));
  columns.addJoinable(scanner, NOON);
  const said = [...columns.take()].map(({ delta: { represents, aggregate } }) => ({ represents, aggregate }));
  assert.deepEqual(said, [{ represents: 0, aggregate: { predictions: [10, 1] } }]);
});
