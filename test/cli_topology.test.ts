/** `errata lint`, `plan` and `graph` as a person calls them. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';

const directory = mkdtempSync(join(tmpdir(), 'errata-cli-'));
after(() => rmSync(directory, { recursive: true }));

function errata(...args: string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, ['cli/errata.ts', ...args], {
    encoding: 'utf8',
  });
  return { status, stdout, stderr };
}

const SOUND = 'config/topologies/feedback.yaml';

test('lint: 0 for a sound file, 1 with the mistakes, 2 for wrong usage', () => {
  assert.deepEqual(errata('lint', SOUND), { status: 0, stdout: '0 errors, 0 warnings\n', stderr: '' });
  const file = join(directory, 'broken.yaml');
  writeFileSync(file, 'topology: x\nsorces: {}\nactors:\n  capture: { from: nobody }\n');
  const text = errata('lint', file);
  assert.equal(text.status, 1);
  assert.deepEqual(text.stdout.trimEnd().split('\n'), [
    `${file}:2:1  error  E_UNKNOWN_KEY  unknown setting "sorces" (did you mean "sources"?)`,
    `${file}:4:3  warning  W_UNUSED_ACTOR  nothing reads what "capture" emits`,
    `${file}:4:20  error  E_UNKNOWN_REFERENCE  "nobody" is neither a source nor an actor`,
    '2 errors, 1 warning',
  ]);
  const json = errata('lint', '--json', file);
  assert.equal(json.status, 1);
  assert.deepEqual(
    (JSON.parse(json.stdout) as { line: number }[]).map(({ line }) => line),
    [2, 4, 4],
  );
  assert.equal(errata('lint').status, 2);
  assert.equal(errata('lnt', file).status, 2);
  assert.equal(errata('--help').status, 0);
});

test('the replay says nothing but what is wrong where its port is taken', async (t) => {
  const blocking = createServer().listen(0, '127.0.0.1');
  await once(blocking, 'listening');
  t.after(() => blocking.close());
  const { port } = blocking.address() as AddressInfo;
  const { status, stdout, stderr } = errata('demo', '--exit', '--kafka-port', String(port));
  assert.deepEqual([status, stdout], [1, '']);
  assert.match(stderr, /E_PORT_IN_USE/);
});

test('plan and graph print to stdout, and nothing but mistakes where there are some', () => {
  const plan = errata('plan', SOUND, '--json');
  assert.equal(plan.status, 0);
  assert.equal((JSON.parse(plan.stdout) as { group_id: string }).group_id, 'errata.feedback');
  assert.match(errata('graph', SOUND).stdout, /^flowchart LR\n/);
  const missing = errata('plan', join(directory, 'missing.yaml'));
  assert.equal(missing.status, 1);
  assert.equal(missing.stdout, '');
  assert.match(missing.stderr, /E_FILE/);
});
