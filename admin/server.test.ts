import assert from 'node:assert/strict';
import { test } from 'node:test';
import { admin, ask, RESTORED, WATERMARK_MS } from './testing.ts';

test('health says the process lives, readiness says why a topology does not work', async (t) => {
  const { app, topology } = await admin(t);
  assert.deepEqual((await ask(app, '/health')).body, { status: 'ok' });
  const ready = await ask(app, '/ready');
  assert.equal(ready.status, 200);
  assert.deepEqual(ready.body, {
    ready: true,
    topologies: [{ topology: 'feedback', ready: true, reason: null }],
  });
  topology.not_ready = 'waiting for Kafka';
  const not_ready = await ask(app, '/ready');
  assert.equal(not_ready.status, 503);
  assert.deepEqual(not_ready.body, {
    ready: false,
    topologies: [{ topology: 'feedback', ready: false, reason: 'waiting for Kafka' }],
  });
  assert.equal((await ask(app, '/health')).status, 200);
});

test('a topology shows its tasks: worker, position, lag, watermark, restarts', async (t) => {
  const { app } = await admin(t);
  assert.deepEqual((await ask(app, '/topologies')).body, {
    topologies: [{ topology: 'feedback', ready: true, reason: null }],
  });
  const { body } = await ask(app, '/topologies/feedback');
  assert.equal(body.group_id, 'errata.feedback');
  assert.deepEqual(body.sources, [
    { source: 'predictions', paused: false },
    { source: 'feedback', paused: false },
  ]);
  const [stage] = body.stages;
  assert.deepEqual(
    stage.tasks.map(({ task, worker, restarts, watermark }: Record<string, unknown>) => ({
      task,
      worker,
      restarts,
      watermark,
    })),
    [
      {
        task: `${stage.stage}/0`,
        worker: 'feedback-1',
        restarts: 0,
        watermark: new Date(WATERMARK_MS).toISOString(),
      },
      { task: `${stage.stage}/1`, worker: 'feedback-0', restarts: 2, watermark: null },
    ],
  );
  const [input] = stage.tasks[0].inputs;
  assert.deepEqual([input.position, input.end_offset, input.lag, input.watermark], [7, 10, 3, null]);
  assert.deepEqual(
    body.workers.map(({ last_error }: { last_error: unknown }) => last_error),
    ['gone', null],
  );
});

test('a task that restores its state says how far it is, and the topology is not ready before', async (t) => {
  const { app, topology } = await admin(t);
  const tasks = async () => {
    const { body } = await ask(app, '/topologies/feedback');
    return body.stages[0].tasks.map(({ phase, restore }: Record<string, unknown>) => [phase, restore]);
  };
  const so_far = { ...RESTORED, next_offset: 250, records: 150 };
  topology.restoring(so_far);
  assert.deepEqual(await tasks(), [
    ['running', RESTORED],
    ['restoring', so_far],
  ]);
  const { status, body } = await ask(app, '/ready');
  const task = `${topology.plan.stages[0]!.name}/1`;
  assert.deepEqual([status, body.topologies[0].reason], [503, `task ${task} is restoring 250 of 900`]);
});

test('the ledger adds up, or says that it does not', async (t) => {
  const { app, topology } = await admin(t);
  topology.entries = {
    feedback: { taken_in: 5, joined: 3, pending: 1, dead_lettered: 1 },
    stats: { windowed: 4 },
  };
  const { body } = await ask(app, '/topologies/feedback/ledger');
  assert.deepEqual(body, {
    topology: 'feedback',
    process_id: 'process-1',
    sources: {
      predictions: { taken_in: 0, dispositions: {}, sum_ok: true },
      feedback: { taken_in: 5, dispositions: { joined: 3, pending: 1, dead_lettered: 1 }, sum_ok: true },
    },
    sinks: {},
    actors: { stats: { windowed: 4 } },
    sum_ok: true,
  });
  topology.entries = { feedback: { taken_in: 5, joined: 3 } };
  const wrong = (await ask(app, '/topologies/feedback/ledger')).body;
  assert.deepEqual([wrong.sum_ok, wrong.sources.feedback.sum_ok], [false, false]);
});

test('connectors are told with what they wait for, and sinks have accounts of their own', async (t) => {
  const { app, topology } = await admin(t);
  topology.connect();
  topology.entries = { 'hook.out': { taken_in: 9, written: 7, dead_lettered: 1 } };
  const { connectors } = (await ask(app, '/topologies/feedback')).body;
  assert.deepEqual(
    connectors.map(({ connector, up, reason }: { connector: string; up: boolean; reason: string }) => [
      connector,
      up,
      reason,
    ]),
    [
      ['clicks', false, 'it is away'],
      ['hook', false, 'hook.out/0 is waiting: webhook: it answers 503'],
    ],
  );
  const { sinks, sum_ok } = (await ask(app, '/topologies/feedback/ledger')).body;
  assert.deepEqual([sinks['hook.out'].sum_ok, sum_ok], [false, false]);
});

test('recent windows and alerts come whole, newest first, as many as asked for', async (t) => {
  const { app, topology } = await admin(t);
  const alerts = [1, 2, 3].map((revision) => alertOf(revision));
  topology.emissions = [
    { message: 'window', value: WINDOW },
    ...alerts.map((value) => ({ message: 'alert' as const, value })),
  ];
  assert.deepEqual((await ask(app, '/topologies/feedback/alerts')).body, {
    topology: 'feedback',
    alerts: alerts.toReversed(),
  });
  assert.deepEqual((await ask(app, '/topologies/feedback/alerts?limit=1')).body.alerts, [alerts[2]]);
  assert.deepEqual((await ask(app, '/topologies/feedback/windows')).body.windows, [WINDOW]);
  for (const query of ['limit=0', 'limit=none', 'limit=201']) {
    const refused = await ask(app, `/topologies/feedback/alerts?${query}`);
    assert.deepEqual([refused.status, refused.body.code], [400, 'E_REQUEST'], query);
  }
});

test('pause and resume reach the topology; again is no error', async (t) => {
  const { app, topology } = await admin(t);
  const path = '/topologies/feedback/sources/feedback';
  for (let time = 0; time < 2; time++) {
    assert.deepEqual((await ask(app, `${path}/pause`)).body, {
      topology: 'feedback',
      source: 'feedback',
      paused: true,
    });
    assert.deepEqual([...topology.paused], ['feedback']);
  }
  assert.equal((await ask(app, '/topologies/feedback')).body.sources[1].paused, true);
  for (let time = 0; time < 2; time++) {
    assert.equal((await ask(app, `${path}/resume`)).body.paused, false);
    assert.deepEqual([...topology.paused], []);
  }
});

test('what does not exist is told as problem+json, with a code and a hint', async (t) => {
  const { app } = await admin(t);
  const topology = await ask(app, '/topologies/fedback');
  assert.equal(topology.type, 'application/problem+json; charset=utf-8');
  assert.deepEqual(topology.body, {
    type: 'about:blank',
    title: 'Not Found',
    status: 404,
    detail: 'this process runs no topology "fedback"',
    code: 'E_UNKNOWN_TOPOLOGY',
    hint: 'did you mean "feedback"?',
  });
  const source = await ask(app, '/topologies/feedback/sources/other/pause');
  assert.deepEqual([source.status, source.body.code], [404, 'E_UNKNOWN_SOURCE']);
  assert.equal(source.body.hint, 'it has predictions, feedback');
  const route = await ask(app, '/nowhere');
  assert.deepEqual([route.status, route.body.code], [404, 'E_UNKNOWN_ROUTE']);
});

test('a defect is a 500 that gives nothing away', async (t) => {
  const { app, topology } = await admin(t);
  topology.ledger = () => {
    throw new Error('secret detail');
  };
  const { status, body } = await ask(app, '/topologies/feedback/ledger');
  assert.deepEqual([status, body.code], [500, 'E_INTERNAL']);
  assert.doesNotMatch(JSON.stringify(body), /secret/);
});

function alertOf(revision: number) {
  return {
    window_start: '2026-01-01T00:00:00.000Z',
    window_end: '2026-01-01T00:05:00.000Z',
    total_events: 1200,
    error_rate: 0.4,
    patterns: { mean_0_std_1: 700 },
    severity: 'high',
    recommended_action: 'retrain_on_pattern',
    id: `alert-${revision}`,
    topology: 'feedback',
    window: 'stats',
    revision,
    deployment_id: 'blue',
    model_version: '7',
    class: 'unknown',
    evidence: { strategy: 'threshold', error_rate_above: 0.3 },
    kind: 'raise',
  };
}

const MOMENTS = { count: 0, mean: null, std: null };
const WINDOW = {
  topology: 'feedback',
  window: 'stats',
  key: { deployment_id: 'blue', model_version: '7' },
  window_start: '2026-01-01T00:00:00.000Z',
  window_end: '2026-01-01T00:05:00.000Z',
  revision: 0,
  final: true,
  completeness: 1,
  total_events: 2,
  low_ratings: 1,
  slow_actions: 0,
  error_rate: 0.5,
  input_mean: MOMENTS,
  latency_ms: { ...MOMENTS, count: 2, mean: 12.5, std: 0.5, p50: 12, p95: 13, p99: 13 },
  measures: {},
  pattern_counts: { mean_0_std_1: 2 },
  other_patterns: 0,
};
