/** Imports go one way, and actors reach nothing that could do I/O. */
import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { posix } from 'node:path';
import { test } from 'node:test';

/** Folder → the folders that it may import. `cli`, `bench` and `test` may import all. */
const ALLOWED: Record<string, readonly string[]> = {
  messages: [],
  wire: ['messages'],
  broker: ['wire', 'messages'],
  sdk: ['wire', 'messages'],
  proxy: ['sdk', 'messages'],
  training: ['messages', 'wire'],
  deploy: ['training', 'messages'],
  actors: ['training', 'deploy', 'messages'],
  engine: ['actors', 'training', 'deploy', 'wire', 'messages'],
  connectors: ['engine', 'actors', 'wire', 'messages'],
  topology: ['connectors', 'engine', 'actors', 'training', 'deploy', 'wire', 'messages'],
  admin: ['topology', 'connectors', 'engine', 'actors', 'training', 'deploy', 'wire', 'messages'],
};
const UNBOUND = ['cli', 'bench', 'test'];

/** All that actors may use of other packages, themselves or through what they import. */
const PURE_PACKAGES = [
  'typebox',
  'ajv',
  'ajv-formats',
  '@datadog/sketches-js',
  'node:crypto',
  'node:buffer',
  'node:util',
];

/** Clocks, dice and doors that need no import. */
const IMPURE_CALL =
  /\b(Date\.now|new Date\(\)|performance\.|Math\.random|setTimeout|setInterval|setImmediate|process\.|fetch\()/;

/** Only who talks to Kafka may import a client. */
const KAFKA_CLIENT = 'kafkajs';
const KAFKA_FOLDERS = ['engine', 'connectors', 'sdk', 'admin', ...UNBOUND];

type Sources = ReadonlyMap<string, string>;

const IMPORTS = [
  /^\s*(?:import|export)\b[^;'"]*?\bfrom\s*['"]([^'"]+)['"]/gm,
  /^\s*import\s*['"]([^'"]+)['"]/gm,
  /\bimport\(\s*['"]([^'"]+)['"]/g,
  /\bnew URL\(\s*['"]([^'"]+)['"]\s*,\s*import\.meta\.url/g,
];

function importsOf(text: string): string[] {
  return IMPORTS.flatMap((pattern) => [...text.matchAll(pattern)].map((match) => match[1]!));
}

function localImports(file: string, text: string): string[] {
  const relative = importsOf(text).filter((specifier) => specifier.startsWith('.'));
  return relative.map((specifier) => posix.join(posix.dirname(file), specifier));
}

function packageImports(text: string): string[] {
  const names = importsOf(text).filter((specifier) => !specifier.startsWith('.'));
  return names.map((name) =>
    name.startsWith('@') ? name.split('/').slice(0, 2).join('/') : name.split('/')[0]!,
  );
}

function folderOf(file: string): string {
  return file.includes('/') ? file.slice(0, file.indexOf('/')) : '';
}

function wrongDirections(sources: Sources): string[] {
  return [...sources].flatMap(([file, text]) => {
    const folder = folderOf(file);
    if (UNBOUND.includes(folder)) return [];
    const allowed = ALLOWED[folder];
    if (!allowed) return [`${file}: ALLOWED says nothing about the folder "${folder}"`];
    return localImports(file, text)
      .filter((target) => folderOf(target) !== folder && !allowed.includes(folderOf(target)))
      .map((target) => `${file} imports ${target}`);
  });
}

/** What the actors need, themselves or through others. */
function impureActors(sources: Sources): string[] {
  const reached = new Set([...sources.keys()].filter((file) => folderOf(file) === 'actors' && !isTest(file)));
  for (const file of reached)
    for (const target of localImports(file, sources.get(file) ?? '')) reached.add(target);
  return [...reached].flatMap((file) =>
    packageImports(sources.get(file) ?? '')
      .filter((name) => !PURE_PACKAGES.includes(name))
      .map((name) => `${file}, which actors need, imports ${name}`),
  );
}

function impureCalls(sources: Sources): string[] {
  return [...sources]
    .filter(([file]) => folderOf(file) === 'actors' && !isTest(file))
    .flatMap(([file, text]) => {
      const code = text.replace(/\/\*[\s\S]*?\*\/|\/\/.*/g, '');
      const call = IMPURE_CALL.exec(code)?.[0];
      return call === undefined ? [] : [`${file} uses ${call}`];
    });
}

function strayClients(sources: Sources): string[] {
  return [...sources]
    .filter(([file]) => !isTest(file) && !KAFKA_FOLDERS.includes(folderOf(file)))
    .filter(([, text]) => packageImports(text).includes(KAFKA_CLIENT))
    .map(([file]) => `${file} imports ${KAFKA_CLIENT}`);
}

/** Clients that take a second to load, and that only who runs a connector needs: lint loads the catalogue too. */
const HEAVY_CLIENT = /^(@google-cloud\/|@grpc\/|fastify$|@fastify\/)/;
const LOADED_AT_ONCE = /^\s*(?:import|export)\b(?!\s+type\b)[^;'"]*?\bfrom\s*['"]([^'"]+)['"]/gm;

/** What is loaded with the reading of a topology, by imports that are neither types nor lazy. */
function heavyLint(sources: Sources, entry = 'topology/load.ts'): string[] {
  const reached = new Set([entry]);
  const found: string[] = [];
  for (const file of reached)
    for (const [, specifier = ''] of (sources.get(file) ?? '').matchAll(LOADED_AT_ONCE))
      if (specifier.startsWith('.')) reached.add(posix.join(posix.dirname(file), specifier));
      else if (HEAVY_CLIENT.test(specifier)) found.push(`${file}, which lint loads, imports ${specifier}`);
  return found;
}

function isTest(file: string): boolean {
  return file.endsWith('.test.ts');
}

const files = globSync('**/*.ts', {
  exclude: (name) => ['node_modules', '.errata', '.ci', 'dist'].includes(name),
});
const sources: Sources = new Map(files.sort().map((file) => [file, readFileSync(file, 'utf8')]));

function withFile(file: string, text: string): Sources {
  return new Map([...sources, [file, text]]);
}

test('imports go one way', () => {
  assert.ok(sources.size > 50, 'the sources are found');
  assert.deepEqual(wrongDirections(sources), []);
});

test('actors, and what they import, reach no client, timer, thread or file', () => {
  assert.deepEqual(impureActors(sources), []);
  assert.deepEqual(impureCalls(sources), []);
});

test('only the edges import the Kafka client', () => {
  assert.deepEqual(strayClients(sources), []);
});

test('to read a topology loads no client of a connector', () => {
  assert.deepEqual(heavyLint(sources), []);
  const planted = withFile('connectors/webhook.ts', "import { PubSub } from '@google-cloud/pubsub';\n");
  assert.deepEqual(heavyLint(planted), [
    'connectors/webhook.ts, which lint loads, imports @google-cloud/pubsub',
  ]);
  const lazy = "import type { PubSub } from '@google-cloud/pubsub';\nawait import('@google-cloud/pubsub');\n";
  assert.deepEqual(heavyLint(withFile('connectors/webhook.ts', lazy)), []);
});

test('the engine knows no connector: it imports them by the address that it is given', () => {
  const planted = withFile('engine/planted.ts', "import { SINK_KINDS } from '../connectors/catalogue.ts';\n");
  assert.deepEqual(wrongDirections(planted), ['engine/planted.ts imports connectors/catalogue.ts']);
});

test('a planted wrong import is caught', () => {
  const upward = withFile('messages/planted.ts', "import type { Plan } from '../engine/plan.ts';\n");
  assert.deepEqual(wrongDirections(upward), ['messages/planted.ts imports engine/plan.ts']);
  const lazy = withFile('wire/planted.ts', "const log = await import('../broker/server.ts');\n");
  assert.deepEqual(wrongDirections(lazy), ['wire/planted.ts imports broker/server.ts']);
  const unknown = withFile('plugins/planted.ts', '');
  assert.match(wrongDirections(unknown).join(), /ALLOWED says nothing about the folder "plugins"/);
});

test('a planted client is caught, also behind another import', () => {
  const planted = new Map([
    ...withFile('actors/planted.ts', "import { read } from '../training/planted.ts';\n"),
    [
      'training/planted.ts',
      "export {\n  readFileSync as read,\n} from 'node:fs';\nimport 'kafkajs/index.js';\n",
    ],
  ]);
  assert.deepEqual(impureActors(planted), [
    'training/planted.ts, which actors need, imports node:fs',
    'training/planted.ts, which actors need, imports kafkajs',
  ]);
  assert.deepEqual(strayClients(planted), ['training/planted.ts imports kafkajs']);
});

test('a planted clock is caught, but not one in a comment', () => {
  assert.deepEqual(impureCalls(withFile('actors/planted.ts', 'const now = Date.now();\n')), [
    'actors/planted.ts uses Date.now',
  ]);
  assert.deepEqual(impureCalls(withFile('actors/planted.ts', '// Date.now() is not to be had\n')), []);
});
