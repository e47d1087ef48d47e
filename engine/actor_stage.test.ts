import assert from 'node:assert/strict';
import { test } from 'node:test';
import { capture } from '../actors/capture.ts';
import { configOf } from '../actors/testing.ts';
import { ErrataError } from '../messages/errata_error.ts';
import { ActorStage } from './actor_stage.ts';
import { Effects } from './effects.ts';
import { Ledger } from './ledger.ts';
import type { LogRecord } from './partition_reader.ts';
import { type InputPlan, PLAN_VERSION, type ResolvedPlan, type StagePlan } from './plan.ts';
import { TaskState } from './state.ts';

const NOW_MS = Date.UTC(2026, 0, 1);
const INPUT: InputPlan = {
  topic: 'records',
  actor: 'capture',
  input: 'records',
  codec: { type: 'source', source: 'records', rekeyed: false, keyed: null },
  time: { type: 'event_time', disorder_ms: 0, idle_ms: null, clock: 'wall' },
};

/** Capture whose events go to an actor that is not there: it throws after state, outcomes and counts are made. */
function brokenBehindCapture(): StagePlan {
  return {
    name: 'capture',
    kind: 'actors',
    inputs: [INPUT],
    actors: [
      {
        name: 'capture',
        kind: 'capture',
        config: configOf(capture, { outcomes: true }),
        outputs: {
          outcomes: [{ to: 'topic', topic: 'outcomes', internal: true, watermarks: false }],
          events: [{ to: 'actor', actor: 'nobody', input: 'events' }],
        },
      },
    ],
  };
}

/** Capture by itself. */
function capturing(): StagePlan {
  const stage = brokenBehindCapture();
  stage.actors[0]!.outputs = {};
  return stage;
}

function running(stage: StagePlan) {
  const plan: ResolvedPlan = {
    version: PLAN_VERSION,
    namespace: 'n',
    topology: 't',
    group_id: 'n.t',
    workers: 1,
    commit_interval_ms: 100,
    guarantee: 'exactly_once',
    state: { store: 'memory' },
    watchdog_ms: 30_000,
    topics: [],
    stages: [stage],
    dead_letter_topic: 'dead',
    late_topic: 'late',
    partitions: { records: 4, outcomes: 4, dead: 4, late: 4 },
  };
  const state = new TaskState();
  const effects = new Effects();
  const ledger = new Ledger(state.store('$ledger'));
  const options = { plan, stage, partition: 2, state, effects, ledger, now: () => NOW_MS };
  return { actors: new ActorStage(options, Number.NEGATIVE_INFINITY), state, effects, ledger };
}

function record(offset: number, value: object | string): LogRecord {
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return { offset, timestamp_ms: NOW_MS, key: null, value: Buffer.from(text), headers: {} };
}

test('a record on which an actor throws is dead-lettered with the stack, and all else that it did is undone', () => {
  const { actors, state, effects, ledger } = running(brokenBehindCapture());
  const prediction = { prediction_id: 'p', timestamp: NOW_MS, model_version: 'v', deployment_id: 'd' };
  actors.onSourceRecord(INPUT, 'records', record(17, prediction), () => undefined);

  const outputs = effects.take();
  assert.deepEqual(
    outputs.map(({ topic }) => topic),
    ['dead'],
    'the outcome that came before it threw is gone',
  );
  const { headers, value } = outputs[0]!;
  assert.match(headers['errata.message']!, /no actor "nobody"/);
  assert.match(headers['errata.stack']!, /actor_stage\.ts/);
  assert.equal(headers['errata.position'], 'records/2/17');
  assert.deepEqual(JSON.parse(String(value)), prediction);
  assert.deepEqual(ledger.entries(), { records: { taken_in: 1, dead_lettered: 1 } });
  assert.equal(state.size, 0);

  actors.onSourceRecord(INPUT, 'records', record(18, 'not JSON'), () => undefined);
  assert.equal(effects.take()[0]!.headers['errata.code'], 'not_json', 'the next record is as any');
  assert.deepEqual(ledger.entries(), { records: { taken_in: 2, dead_lettered: 2 } });
});

test('what expires at once is dropped in portions that a commit can hold, all before the next record', () => {
  const { actors, state, ledger } = running(capturing());
  for (let index = 0; index < 2_500; index++) {
    const prediction = {
      prediction_id: `p${index}`,
      timestamp: NOW_MS,
      model_version: 'v',
      deployment_id: 'd',
    };
    actors.onSourceRecord(INPUT, 'records', record(index, prediction), () => undefined);
  }
  ledger.save();
  state.takeChanges();
  actors.advance(NOW_MS + 7 * 24 * 3_600_000);
  const dropped = [state.changes];
  while (actors.has_expired) {
    actors.dropExpired();
    dropped.push(state.changes);
  }
  assert.deepEqual(dropped, [1_000, 2_000, 2_500]);
  assert.deepEqual(ledger.entries(), { records: { taken_in: 2_500, pending: 0, expired: 2_500 } });
  assert.equal(state.size, 1, 'the ledger is all that is left');
});

test("state that has become too large is no record's fault: none is dead-lettered, and the task is told", () => {
  const stage = capturing();
  const { actors, state, effects } = running(stage);
  state.expiring(stage.actors[0]!.name).bytes!.memory.allocate = () => {
    throw new ErrataError('E_STATE_TOO_LARGE', 'nothing is left');
  };
  const takeMany = () => {
    for (let index = 0; index < 1_000; index++) {
      const ids = { prediction_id: `p${index}`, model_version: 'v', deployment_id: 'd' };
      actors.onSourceRecord(INPUT, 'records', record(index, { ...ids, timestamp: NOW_MS }), () => undefined);
    }
  };
  assert.throws(takeMany, { code: 'E_STATE_TOO_LARGE' });
  assert.deepEqual(effects.take(), []);
});
