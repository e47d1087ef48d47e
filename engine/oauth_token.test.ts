import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { tokenProvider } from './oauth_token.ts';

/** An endpoint that gives tokens of 100 s, numbered, to who knows the secret. */
async function tokenEndpoint(t: TestContext) {
  const asked: { authorization: string | undefined; body: string }[] = [];
  const server = createServer(async (request, response) => {
    const { authorization } = request.headers;
    asked.push({ authorization, body: await bodyOf(request) });
    const is_known = authorization === `Basic ${Buffer.from('me:s%3Acret').toString('base64')}`;
    response.writeHead(is_known ? 200 : 401, { 'content-type': 'application/json' });
    const token = { access_token: `token-${asked.length}`, token_type: 'bearer', expires_in: 100 };
    response.end(JSON.stringify(is_known ? token : { error: 'invalid_client', hint: 'is it "s:cret"?' }));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  return { asked, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/token` };
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  let body = '';
  for await (const chunk of request) body += chunk;
  return body;
}

test('a token is asked for once, and replaced before it expires', async (t) => {
  const { asked, url } = await tokenEndpoint(t);
  const client_secret = { text: 's:cret' };
  let now_ms = 0;
  const token = tokenProvider(
    { type: 'endpoint', url, client_id: 'me', client_secret, scope: 'kafka' },
    () => now_ms,
  );
  assert.deepEqual(await Promise.all([token(), token()]), ['token-1', 'token-1']);
  assert.equal(asked[0]!.body, 'grant_type=client_credentials&scope=kafka');
  now_ms = 69_000;
  assert.equal(await token(), 'token-1');
  now_ms = 71_000;
  assert.equal(await token(), 'token-2');
});

test('an endpoint that refuses or is not there is named, and the secret is not', async (t) => {
  const { url } = await tokenEndpoint(t);
  const refused = (where: string) => {
    const source = { type: 'endpoint', url: where, client_id: 'me', scope: null } as const;
    return tokenProvider({ ...source, client_secret: { text: 'wr0ng' } })().then(
      () => assert.fail('there is a token'),
      (error) => String(error),
    );
  };
  assert.match(await refused(url), /^E_KAFKA_TOKEN: the token endpoint http:.* answers 401 invalid_client/);
  assert.match(
    await refused('http://127.0.0.1:2/token'),
    /E_KAFKA_TOKEN: .* does not answer: .*ECONNREFUSED/,
  );
  for (const said of [await refused(url)]) assert.doesNotMatch(said, /wr0ng|s:cret/);
});

test('a token file is read each time', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'errata-token-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'token');
  const token = tokenProvider({ type: 'file', file });
  await assert.rejects(token(), { code: 'E_KAFKA_FILE', message: `token_file: ${file}: ENOENT` });
  for (const text of ['first', 'second']) {
    writeFileSync(file, `${text}\n`);
    assert.equal(await token(), text);
  }
});
