/**
 * How many predictions the join holds on disk: `node bench/state/join_capacity.ts [--predictions 17000000] [--wait 24h]`.
 *
 * The engine's stage of `capture` with its store in LMDB, and no Kafka: predictions as they come at 2,000/s of event
 * time, and for every tenth a feedback for one of the half hour before. What is told of it: rate, heap, memory that is
 * not the store's file (RssAnon), size on disk. At the end event time goes on until everything has expired. Fails where the heap has
 * grown with them, or something is left.
 */
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { capture } from '../../actors/capture.ts';
import { configOf } from '../../actors/testing.ts';
import { ActorStage } from '../../engine/actor_stage.ts';
import { DiskStore } from '../../engine/disk_store.ts';
import { Effects } from '../../engine/effects.ts';
import { Ledger } from '../../engine/ledger.ts';
import type { LogRecord } from '../../engine/partition_reader.ts';
import { type InputPlan, PLAN_VERSION, type ResolvedPlan, type StagePlan } from '../../engine/plan.ts';
import { TaskState } from '../../engine/state.ts';

const FROM_MS = Date.UTC(2026, 0, 1);
const PER_SECOND = 2_000;
const COMMIT_RECORDS = 4_000;
const FEEDBACK_EVERY = 10;
const FEEDBACK_WITHIN = 1_800 * PER_SECOND;

const { values: options } = parseArgs({
  options: {
    predictions: { type: 'string', default: '17000000' },
    wait: { type: 'string', default: '24h' },
    lateness: { type: 'string', default: '0ms' },
    path: { type: 'string' },
  },
});

const INPUT: InputPlan = {
  topic: 'records',
  actor: 'capture',
  input: 'records',
  codec: { type: 'source', source: 'records', rekeyed: false, keyed: null },
  time: { type: 'event_time', disorder_ms: 0, idle_ms: null, clock: 'wall' },
};
const STAGE: StagePlan = {
  name: 'capture',
  kind: 'actors',
  inputs: [INPUT],
  actors: [
    {
      name: 'capture',
      kind: 'capture',
      config: configOf(capture, { join: { wait: options.wait }, lateness: options.lateness }),
      outputs: {},
    },
  ],
};
const PLAN: ResolvedPlan = {
  version: PLAN_VERSION,
  namespace: 'bench',
  topology: 'join',
  group_id: 'bench.join',
  workers: 1,
  commit_interval_ms: 1_000,
  guarantee: 'exactly_once',
  state: { store: 'memory' },
  watchdog_ms: 60_000,
  topics: [],
  stages: [STAGE],
  dead_letter_topic: 'dead',
  late_topic: 'late',
  partitions: { records: 1, dead: 1, late: 1 },
};

/** Ids without order, as UUIDs are. */
function predictionId(index: number): string {
  const hex = createHash('md5').update(String(index)).digest('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}

const timeOf = (index: number) => FROM_MS + Math.floor((index / PER_SECOND) * 1_000);

function prediction(index: number): object {
  return {
    prediction_id: predictionId(index),
    timestamp: timeOf(index),
    model_version: 'v12',
    deployment_id: `deployment-${index % 50}`,
    input_stats: { mean: (index % 1_000) / 1_000, std: 1.0625, min: -3.25, max: 4.5 },
    latency_ms: 10 + (index % 90),
  };
}

function feedback(index: number): object {
  const about = Math.max(0, index - ((index * 7_919) % FEEDBACK_WITHIN));
  return {
    prediction_id: predictionId(about),
    timestamp: timeOf(index),
    feedback_type: 'explicit',
    rating: 1 + (index % 5),
  };
}

function record(index: number, value: object): LogRecord {
  const bytes = Buffer.from(JSON.stringify(value));
  return { offset: index, timestamp_ms: timeOf(index), key: null, value: bytes, headers: {} };
}

const MB = 2 ** 20;
/** However many predictions are held. */
const HEAP_MAX_MB = 256;

function anonymousMb(): number {
  const found = /RssAnon:\s+(\d+) kB/.exec(readFileSync('/proc/self/status', 'utf8'));
  return Math.round(Number(found?.[1] ?? 0) / 1_024);
}

const path = options.path ?? mkdtempSync(join(tmpdir(), 'errata-join-'));
const identity = { path, changelog: 'bench.join.capture.changelog', partition: 0, cluster_id: 'bench' };
const { store } = await DiskStore.open(identity, Date.now);
const state = new TaskState(store);
const ledger = new Ledger(state.store('$ledger'));
const parts = {
  plan: PLAN,
  stage: STAGE,
  partition: 0,
  state,
  effects: new Effects(),
  ledger,
  now: Date.now,
};
const stage = new ActorStage(parts, Number.NEGATIVE_INFINITY);

function commit(): void {
  ledger.save();
  state.committed(state.takeChanges().changes, 'exactly_once');
}

let told_ms = performance.now();
function tell(predictions: number, records: number): void {
  const now_ms = performance.now();
  const file_mb = statSync(join(store.folder, 'lmdb', 'data.mdb')).size / MB;
  const { pending = 0, joined = 0, expired = 0 } = ledger.entries().records ?? {};
  console.log(
    [
      `${(predictions / 1e6).toFixed(1)} M predictions`,
      `${(state.size / 1e6).toFixed(2)} M held`,
      `${Math.round(records / (now_ms - told_ms))} k records/s`,
      `heap ${Math.round(process.memoryUsage().heapUsed / MB)} MB`,
      `anonymous ${anonymousMb()} MB`,
      `file ${Math.round(file_mb)} MB`,
      `pending ${pending} joined ${joined} expired ${expired}`,
    ].join(', '),
  );
  told_ms = now_ms;
}

const total = Number(options.predictions);
let records = 0;
for (let index = 0; index < total; index++) {
  stage.onSourceRecord(INPUT, 'records', record(index, prediction(index)), () => undefined);
  records++;
  if (index % FEEDBACK_EVERY === 0) {
    stage.onSourceRecord(INPUT, 'records', record(index, feedback(index)), () => undefined);
    records++;
  }
  if (index % COMMIT_RECORDS === COMMIT_RECORDS - 1) {
    stage.advance(timeOf(index));
    while (stage.has_expired) stage.dropExpired();
    commit();
    // As a task does: the loop turns.
    await new Promise((resolve) => setImmediate(resolve));
  }
  if (index % 1_000_000 === 999_999) {
    tell(index + 1, records);
    records = 0;
  }
}
const held = state.size;
const heap_mb = process.memoryUsage().heapUsed / MB;
console.log('event time goes on until everything has expired');
told_ms = performance.now();
stage.advance(timeOf(total) + 7 * 24 * 3_600_000);
for (let dropped = 0; stage.has_expired; dropped++) {
  stage.dropExpired();
  if (dropped % 20 === 19) commit();
  if (dropped % 1_000 === 999) await new Promise((resolve) => setImmediate(resolve));
}
commit();
tell(total, held);
await state.close();
const { store: reopened } = await DiskStore.open(identity, Date.now);
const left = reopened.table('capture~', true).size;
console.log(`left on disk: ${left} entries`);
await reopened.close();
if (heap_mb > HEAP_MAX_MB || left > 0) {
  console.error(
    `FAILED: heap ${Math.round(heap_mb)} MB, and at most ${HEAP_MAX_MB} are right; ${left} entries left`,
  );
  process.exitCode = 1;
}
if (options.path === undefined) rmSync(path, { recursive: true, force: true });
