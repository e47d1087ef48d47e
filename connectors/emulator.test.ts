import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';

/** By a process of its own: warnings go to its standard error, once. */
const PROGRAM = `
import { restClient } from './connectors/bigquery/clients.ts';
const client = await restClient('p');
await client.dataset('d').table('t').getMetadata().catch((error) => console.log(error.message));
`;

test('with an emulator Google’s clients do not look for a machine of Google’s, and do not warn that there is none', () => {
  const { METADATA_SERVER_DETECTION: _, NODE_NO_WARNINGS: __, ...env } = process.env;
  const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', PROGRAM], {
    encoding: 'utf8',
    env: { ...env, BIGQUERY_EMULATOR_HOST: 'http://127.0.0.1:1/bigquery/v2' },
  });
  assert.match(stdout, /ECONNREFUSED/);
  assert.doesNotMatch(stderr, /Metadata/);
});
