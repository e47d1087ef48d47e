/** The SDK as it is published: what a project gets that installs it, on Node 20 and later. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { delimiter, dirname, join, resolve } from 'node:path';
import { after, before, describe, it, type TestContext } from 'node:test';
import { gzipSync } from 'node:zlib';
import { BROWSER_SCRIPT, ENTRIES, PEERS } from '../../cli/sdk_package/entries.ts';
import { rootExports } from '../../cli/sdk_package/manifest.ts';
import { temporaryFolder } from '../harness/embedded.ts';
import { IngestServer } from '../harness/ingest_server.ts';
import { SdkProject } from '../harness/sdk_project.ts';

const MAX_BROWSER_BYTES = 5 * 1024;

/** This one, and the machine's own, which may be as old as 20. */
const NODES = [process.execPath, ...machineNode()];

function machineNode(): string[] {
  const folders = process.env.PATH!.split(delimiter).filter((folder) => !folder.includes('node_modules'));
  const node = folders.map((folder) => join(folder, 'node')).find(existsSync);
  const version = node && execFileSync(node, ['--version'], { encoding: 'utf8' });
  return node && Number(version!.slice(1, 3)) >= 20 ? [node] : [];
}

const PROGRAM = `
const publisher = httpPublisher({ url: process.env.INGEST_URL });
const capture = captureServing({ publisher, deployment_id: 'spam', model_version: 'v1' });
const prediction_id = capture.capture({ prediction_id: process.argv[2], numeric_input: [1, 3] });
new FeedbackClient({ publisher }).captureExplicitFeedback({ prediction_id, session_id: 's', rating: 5 });
publisher.close().then(() => console.log(JSON.stringify(capture.stats())));
`;
const AS_MODULE = `import { captureServing, FeedbackClient } from 'errata-sdk';
import { httpPublisher } from 'errata-sdk/http';${PROGRAM}`;
const AS_COMMON_JS = `const { captureServing, FeedbackClient } = require('errata-sdk');
const { httpPublisher } = require('errata-sdk/http');${PROGRAM}`;

/** Prints which of the clients are loaded after what it is given was imported. */
const LOADED = `import { createRequire } from 'node:module';
for (const path of process.argv.slice(2)) await import(path);
const loaded = Object.keys(createRequire(import.meta.url).cache);
const clients = ${JSON.stringify(Object.keys(PEERS))};
console.log(clients.filter((name) => loaded.some((file) => file.includes('/node_modules/' + name + '/'))).join());
`;

const TYPED = `import { captureServing, type InputStats, type Timestamp } from 'errata-sdk';
import { FeedbackClient } from 'errata-sdk/browser';
import { kafkaPublisher } from 'errata-sdk/kafka';
import { captureLayer } from 'errata-sdk/tfjs';

const publisher = kafkaPublisher({ brokers: ['127.0.0.1:9092'] });
const names = { publisher, deployment_id: 'spam', model_version: 'v1' };
const id: string = captureServing(names).capture({ numeric_input: [1], timestamp: 1.5 });
captureLayer({ ...names, inputShape: [2] }).stats().dropped.toFixed();
new FeedbackClient({ url: '' }).captureExplicitFeedback({ prediction_id: id, rating: 1 });
export const stats: InputStats = { mean: 1, std: 0 };
export const timestamp: Timestamp = '2024-01-01';
// @ts-expect-error std is missing
export const wrong: InputStats = { mean: 1 };
// @ts-expect-error not a date
export const no_time: Timestamp = new Date();
// @ts-expect-error it needs a publisher
captureServing({ deployment_id: 'spam', model_version: 'v1' });
`;
const TSC_FLAGS = '--noEmit --strict --skipLibCheck --module nodenext --target es2022 --types node'.split(
  ' ',
);

describe('the package errata-sdk', () => {
  const endings: (() => unknown)[] = [];
  let bare: SdkProject;
  before(async () => {
    bare = await SdkProject.create({ after: (end) => endings.push(end as () => unknown) });
  });
  after(() => Promise.all(endings.map((end) => end())));

  it('runs as a module and as CommonJS, on this Node and on the one of the machine', async (t) => {
    const ingest = await IngestServer.start(t);
    bare.write('program.mjs', AS_MODULE);
    bare.write('program.cjs', AS_COMMON_JS);
    const programs = NODES.flatMap((node) => ['program.mjs', 'program.cjs'].map((file) => ({ node, file })));
    for (const [index, { node, file }] of programs.entries()) {
      const stats = await bare.node([file, `p${index}`], { node, env: { INGEST_URL: ingest.url } });
      assert.equal(JSON.parse(stats).published, 1, `${node} ${file}: ${stats}`);
    }
    const said = ingest.records.map(
      ({ prediction_id, rating }) => `${prediction_id} ${rating ?? 'prediction'}`,
    );
    const expected = programs.flatMap((_, index) => [`p${index} prediction`, `p${index} 5`]);
    assert.deepEqual(said.sort(), expected.sort());
  });

  it('brings no other package, and says which one is missing', async () => {
    const manifest = JSON.parse(readFileSync(bare.path('node_modules/errata-sdk/package.json'), 'utf8'));
    assert.equal(manifest.dependencies, undefined);
    const installed = readFileSync(bare.path('node_modules/.package-lock.json'), 'utf8');
    assert.deepEqual(Object.keys(JSON.parse(installed).packages), ['node_modules/errata-sdk']);
    bare.write(
      'kafka.mjs',
      `import { captureServing } from 'errata-sdk';
import { kafkaPublisher } from 'errata-sdk/kafka';
const publisher = kafkaPublisher({ brokers: ['127.0.0.1:9'], delivery_timeout_ms: 300 });
const capture = captureServing({ publisher, deployment_id: 'spam', model_version: 'v1' });
capture.capture({ output: 1 });
console.log((await capture.flush()).last_problem);
await publisher.close();`,
    );
    assert.match(await bare.node(['kafka.mjs']), /Cannot find package 'kafkajs'/);
  });

  it('loads a client only when it is used, and tfjs only with the layer', async (t) => {
    const full = await SdkProject.create(t, Object.keys(PEERS));
    full.write('loaded.mjs', LOADED);
    const loadedBy = async (...paths: string[]) => (await full.node(['loaded.mjs', ...paths])).trim();
    const publishers = ['errata-sdk/kafka', 'errata-sdk/pubsub', 'errata-sdk/http'];
    assert.equal(await loadedBy('errata-sdk', ...publishers), '');
    assert.equal(await loadedBy('errata-sdk/tfjs'), '@tensorflow/tfjs');
    assert.equal(await loadedBy('errata-sdk', 'kafkajs'), 'kafkajs', 'what is loaded is seen');
  });

  it('has types, of messages too', async (t) => {
    const typed = await SdkProject.create(t, [...Object.keys(PEERS), '@types/node']);
    typed.write('typed.mts', TYPED);
    await typed.node([resolve('node_modules/typescript/bin/tsc'), ...TSC_FLAGS, 'typed.mts']);
  });

  it('stays below 5 KB, zipped, in a browser', () => {
    for (const file of ['browser.js', BROWSER_SCRIPT]) {
      const zipped = gzipSync(readFileSync(bare.path('node_modules/errata-sdk', file)), { level: 9 });
      assert.ok(zipped.length < MAX_BROWSER_BYTES, `${file}: ${zipped.length} bytes`);
    }
  });

  it('is also errata/sdk, path by path', () => {
    const { exports } = JSON.parse(readFileSync('package.json', 'utf8'));
    assert.deepEqual(exports, rootExports());
    assert.equal(Object.keys(exports).length, ENTRIES.length + 2);
  });

  it('is there as errata/sdk once a checkout is installed, and in the package that is made of it', (t) => {
    const checkout = freshCheckout(t);
    symlinkSync(resolve('node_modules'), join(checkout, 'node_modules'));
    npm(checkout, 'run', 'prepare');
    assert.deepEqual(importedFrom(t, checkout), ['captureServing', 'kafkaPublisher']);
    rmSync(join(checkout, 'dist'), { recursive: true });
    const packed = npm(checkout, 'pack', '--silent').trim();
    execFileSync('tar', ['-xzf', packed], { cwd: checkout });
    assert.deepEqual(importedFrom(t, join(checkout, 'package')), ['captureServing', 'kafkaPublisher']);
  });

  it('is left out where nothing is installed to build it with, and the install goes on', (t) => {
    const checkout = freshCheckout(t);
    npm(checkout, 'run', 'prepare');
    assert.ok(!existsSync(join(checkout, 'dist')));
  });
});

/** Of what git knows, as it stands in this folder. */
function freshCheckout(t: TestContext): string {
  const folder = join(temporaryFolder(t), 'errata');
  const files = execFileSync('git', ['ls-files', '-z'], { encoding: 'utf8' }).split('\0');
  for (const file of files.filter((path) => path !== '' && existsSync(path))) {
    mkdirSync(dirname(join(folder, file)), { recursive: true });
    copyFileSync(file, join(folder, file));
  }
  return folder;
}

function npm(cwd: string, ...args: string[]): string {
  return execFileSync('npm', args, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
}

/** What a project gets that has the folder as the package errata. */
function importedFrom(t: TestContext, errata: string): string[] {
  const project = temporaryFolder(t);
  mkdirSync(join(project, 'node_modules'));
  symlinkSync(errata, join(project, 'node_modules/errata'));
  const program = `import { captureServing } from 'errata/sdk';
import { createRequire } from 'node:module';
const { kafkaPublisher } = createRequire(import.meta.url)('errata/sdk/kafka');
console.log([captureServing.name, kafkaPublisher.name].join());`;
  writeFileSync(join(project, 'program.mjs'), program);
  return execFileSync(process.execPath, ['program.mjs'], { cwd: project, encoding: 'utf8' })
    .trim()
    .split(',');
}
