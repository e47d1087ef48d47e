import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import { type TestContext, test } from 'node:test';
import pino from 'pino';
import { type AdminApp, createAdmin, startAdmin } from './server.ts';
import { FakeTopology, WATERMARK_MS } from './testing.ts';

const TOKEN = 'a-token-for-tests';
const log = pino({ level: 'silent' });

async function admin(t: TestContext, token: string | null = null) {
  const topology = new FakeTopology();
  const app = await createAdmin({ topologies: new Map([['feedback', topology]]), token, log });
  t.after(() => app.close());
  return { topology, app };
}

async function ask(app: AdminApp, url: string, headers: Record<string, string> = {}) {
  const method = /\/(pause|resume)$/.test(url) ? 'POST' : 'GET';
  const answer = await app.inject({ method, url, headers });
  return { status: answer.statusCode, type: answer.headers['content-type'], body: answer.json() };
}

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
    actors: { stats: { windowed: 4 } },
    sum_ok: true,
  });
  topology.entries = { feedback: { taken_in: 5, joined: 3 } };
  const wrong = (await ask(app, '/topologies/feedback/ledger')).body;
  assert.deepEqual([wrong.sum_ok, wrong.sources.feedback.sum_ok], [false, false]);
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

test('a configured token is asked for, except by probes', async (t) => {
  const { app, topology } = await admin(t, TOKEN);
  for (const open of ['/health', '/ready', '/openapi.json'])
    assert.equal((await ask(app, open)).status, 200, open);
  assert.equal((await app.inject('/metrics')).statusCode, 200);
  for (const url of ['/topologies', '/topologies/feedback/ledger', '/nowhere']) {
    const missing = await ask(app, url);
    assert.deepEqual([missing.status, missing.body.code], [401, 'E_TOKEN_MISSING'], url);
  }
  const pause = '/topologies/feedback/sources/feedback/pause';
  for (const authorization of [`Bearer ${TOKEN}x`, 'Bearer x', `Bearer ${TOKEN.slice(1)}`]) {
    const wrong = await ask(app, pause, { authorization });
    assert.deepEqual([wrong.status, wrong.body.code], [401, 'E_TOKEN_WRONG']);
  }
  assert.equal((await ask(app, pause, { authorization: `Basic ${TOKEN}` })).body.code, 'E_TOKEN_MISSING');
  assert.deepEqual([...topology.paused], []);
  const authorization = `Bearer ${TOKEN}`;
  assert.equal((await ask(app, pause, { authorization })).status, 200);
  // With a token, names that are not loopback are fine.
  assert.equal((await ask(app, '/topologies', { authorization, host: 'errata.example' })).status, 200);
  const challenge = await app.inject('/topologies');
  assert.equal(challenge.headers['www-authenticate'], 'Bearer realm="errata"');
});

test('without a token, foreign names and foreign pages are refused', async (t) => {
  const { app, topology } = await admin(t);
  const pause = '/topologies/feedback/sources/feedback/pause';
  const rebound = await ask(app, '/topologies', { host: 'evil.example:8080' });
  assert.deepEqual([rebound.status, rebound.body.code], [403, 'E_FOREIGN_HOST']);
  for (const origin of ['https://evil.example', 'null', 'http://localhost:9999']) {
    const forged = await ask(app, pause, { host: 'localhost:8080', origin });
    assert.deepEqual([forged.status, forged.body.code], [403, 'E_FOREIGN_ORIGIN'], origin);
  }
  assert.deepEqual([...topology.paused], []);
  for (const host of ['127.0.0.1:8080', '[::1]:8080', 'localhost:8080'])
    assert.equal((await ask(app, pause, { host, origin: `http://${host}` })).status, 200, host);
});

test('it does not listen beyond this machine without a token', async (t) => {
  const topologies = new Map([['feedback', new FakeTopology()]]);
  await assert.rejects(startAdmin({ topologies, token: null, log, host: '0.0.0.0', port: 0 }), {
    code: 'E_ADMIN_TOKEN',
  });
  const server = await startAdmin({ topologies, token: null, log, host: '127.0.0.1', port: 0 });
  t.after(() => server.stop());
  const answer = await fetch(`${server.address}/health`);
  assert.deepEqual(await answer.json(), { status: 'ok' });
});

test('a taken port is an error with a hint', async (t) => {
  const taken = createServer().listen(0, '127.0.0.1');
  t.after(() => taken.close());
  await new Promise((resolve) => taken.once('listening', resolve));
  const { port } = taken.address() as { port: number };
  const options = { topologies: new Map(), token: null, log, host: '127.0.0.1', port };
  await assert.rejects(startAdmin(options), { code: 'E_PORT_IN_USE', hint: /--admin-port/ });
});

test('every route stands in the OpenAPI document, with what it answers', async (t) => {
  const { app } = await admin(t);
  const { body } = await ask(app, '/openapi.json');
  const listed = Object.entries<Record<string, { responses: object; summary: string }>>(body.paths).flatMap(
    ([path, methods]) => Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
  );
  assert.deepEqual(listed.sort(), routesOf(app).sort());
  assert.ok(listed.length >= 11);
  for (const [path, methods] of Object.entries<Record<string, Operation>>(body.paths))
    for (const { summary, responses } of Object.values(methods)) {
      assert.ok(summary, path);
      const { content } = responses['200']!;
      assert.ok(content && Object.values(content).every(({ schema }) => schema), path);
    }
  for (const shared of ['problem', 'alert', 'window']) assert.ok(body.components.schemas[shared], shared);
  assert.match(JSON.stringify(body), /"#\/components\/schemas\/alert"/);
});

interface Operation {
  summary?: string;
  responses: Record<string, { content?: Record<string, { schema?: object }> }>;
}

/** From fastify's own list: `/path (GET, HEAD)`, indented as a tree. */
function routesOf(app: AdminApp): string[] {
  const stack: string[] = [];
  return app
    .printRoutes({ commonPrefix: false })
    .split('\n')
    .flatMap((line) => {
      const match = /^([│├└─ ]*)(\S+)(?: \(([^)]*)\))?/.exec(line.replaceAll('\u00a0', ' '));
      if (!match) return [];
      const depth = match[1]!.length / 4;
      stack[depth - 1] = match[2]!;
      const path = stack
        .slice(0, depth)
        .join('')
        .replace(/:(\w+)/g, '{$1}');
      const methods = match[3]?.split(', ').filter((method) => method !== 'HEAD') ?? [];
      return methods.map((method) => `${method} ${path}`);
    });
}

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
  total_events: 2,
  low_ratings: 1,
  slow_actions: 0,
  error_rate: 0.5,
  input_mean: MOMENTS,
  latency_ms: { ...MOMENTS, count: 2, mean: 12.5, std: 0.5, p50: 12, p95: 13, p99: 13 },
  pattern_counts: { mean_0_std_1: 2 },
  other_patterns: 0,
};
