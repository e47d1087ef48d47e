import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { moduleText, WASM_MODULES } from './compile.ts';

const DEPTH = 'MAX_NESTING: i32 = 64';
const [scanner] = WASM_MODULES;

for (const module of WASM_MODULES)
  test(`${module.file} is what its sources are compiled to`, async () => {
    const text = await moduleText(module);
    assert.ok(text === readFileSync(module.file, 'utf8'), 'run: npm run build:wasm');
  });

test('a source that was changed and not compiled is noticed', async () => {
  const text = await moduleText(scanner!, (source) => source.replace(DEPTH, 'MAX_NESTING: i32 = 65'));
  assert.ok(text !== readFileSync(scanner!.file, 'utf8'));
});

test('a source that cannot be compiled is told with its place', async () => {
  const broken = moduleText(scanner!, (source) => source.replace(DEPTH, 'MAX_NESTING: i32 = nothing'));
  await assert.rejects(broken, /cannot be compiled[\s\S]*json\.ts/);
});
