import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import fc from 'fast-check';
import type { Evaluation, Lineage } from '../messages/evaluation.ts';
import { modelVersion, openRegistry } from './registry.ts';

const dir = await mkdtemp(join(tmpdir(), 'errata-registry-'));
after(() => rm(dir, { recursive: true }));
let registries = 0;
const freshDir = () => join(dir, String(registries++));

const lineage: Lineage = {
  job_id: 'job/1',
  alert_id: 'alert-1',
  parent: 'aaaaaaaaaaaa',
  trainer: 'text_logistic.ts',
  trainer_hash: 'b'.repeat(64),
  dataset_hash: 'c'.repeat(64),
  examples: 3,
  data_from: null,
  data_to: null,
  seed: 1,
};

test('what was put is got, by version and by whole hash', async () => {
  const registry = openRegistry(freshDir());
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), async (bytes) => {
      const version = await registry.put(bytes, lineage);
      assert.equal(version, modelVersion(bytes));
      const artefact = await registry.get(version);
      assert.deepEqual(Buffer.from(artefact.bytes), Buffer.from(bytes));
      assert.deepEqual(artefact.lineage, lineage);
      assert.equal((await registry.get(artefact.hash)).model_version, version);
    }),
    { numRuns: 20 },
  );
});

test('the same bytes are one artefact and keep their first lineage', async () => {
  const registry = openRegistry(freshDir());
  const bytes = Buffer.from('model');
  const versions = await Promise.all([1, 2, 3].map(() => registry.put(bytes, lineage)));
  await registry.put(bytes, { ...lineage, job_id: 'job/2' });
  assert.equal(new Set(versions).size, 1);
  const list = await registry.list();
  assert.equal(list.length, 1);
  assert.equal(list[0]?.lineage.job_id, 'job/1');
  assert.equal(list[0]?.size_bytes, 5);
});

test('any changed or missing byte of an artefact is detected', async () => {
  const path = freshDir();
  const registry = openRegistry(path);
  const bytes = Buffer.from('a model of some length');
  const version = await registry.put(bytes, lineage);
  const name = (await readdir(join(path, 'artefacts'))).find((file) => file.endsWith('.bin'))!;
  const file = join(path, 'artefacts', name);
  for (let at = 0; at < bytes.length; at += 1) {
    const flipped = Buffer.from(bytes);
    flipped[at]! ^= 1;
    await writeFile(file, flipped);
    await assert.rejects(registry.get(version), { code: 'E_ARTEFACT_CORRUPT' });
    await writeFile(file, bytes.subarray(0, at));
    await assert.rejects(registry.get(version), { code: 'E_ARTEFACT_CORRUPT' });
  }
  await registry.put(bytes, lineage);
  assert.deepEqual((await registry.get(version)).bytes, bytes, 'putting it again repairs it');
});

test('a lineage that is cut off is corrupt, one that is not there makes the artefact missing', async () => {
  const path = freshDir();
  const registry = openRegistry(path);
  const version = await registry.put(Buffer.from('model'), lineage);
  const name = (await readdir(join(path, 'artefacts'))).find((file) => file.endsWith('.json'))!;
  const file = join(path, 'artefacts', name);
  await writeFile(file, (await readFile(file)).subarray(0, 40));
  await assert.rejects(registry.get(version), { code: 'E_ARTEFACT_CORRUPT' });
  await rm(file);
  await assert.rejects(registry.get(version), { code: 'E_ARTEFACT_MISSING' });
});

test('names that are no version are missing, whatever they hold', async () => {
  const registry = openRegistry(freshDir());
  for (const version of ['', '..', '../../etc/passwd', 'f'.repeat(12), 'zzzzzzzzzzzz']) {
    await assert.rejects(registry.get(version), { code: 'E_ARTEFACT_MISSING' });
  }
});

test('what a crash leaves half written is neither listed nor in the way', async () => {
  const path = freshDir();
  const registry = openRegistry(path);
  const version = await registry.put(Buffer.from('model'), lineage);
  await writeFile(join(path, 'artefacts', 'f.json.1.tmp'), '{');
  await writeFile(join(path, 'artefacts', `${'e'.repeat(64)}.bin`), 'bytes without lineage');
  assert.deepEqual(
    (await registry.list()).map((artefact) => artefact.model_version),
    [version],
  );
});

test('the answer to a job is found again by another registry on the same directory', async () => {
  const path = freshDir();
  const evaluation: Evaluation = {
    job_id: '../job with / anything \u0000',
    alert_id: 'alert-1',
    topology: 'mail',
    deployment_id: 'inbox',
    candidate: null,
    champion: 'aaaaaaaaaaaa',
    time: '2002-09-01T00:00:00.000Z',
    recent: null,
    older: null,
    failure: 'E_TRAINER_DATA: no example of "spam" to learn from',
    lineage: null,
  };
  assert.equal(await openRegistry(path).answer(evaluation.job_id), null);
  await openRegistry(path).recordAnswer(evaluation);
  assert.deepEqual(await openRegistry(path).answer(evaluation.job_id), evaluation);
});
