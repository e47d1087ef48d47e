import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import { test } from 'node:test';
import { startAdmin } from './server.ts';
import { admin, ask, FakeTopology, silent as log } from './testing.ts';

const TOKEN = 'a-token-for-tests';

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
