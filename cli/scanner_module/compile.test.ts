import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { SCANNER_FILE, scannerModule } from './compile.ts';

test('the scanner in the tree is what its sources are compiled to', async () => {
  const text = await scannerModule();
  assert.ok(text === readFileSync(SCANNER_FILE, 'utf8'), 'run: npm run build:scanner');
});

test('a source that was changed and not compiled is noticed', async () => {
  const text = await scannerModule((source) =>
    source.replace('MAX_NESTING: i32 = 64', 'MAX_NESTING: i32 = 65'),
  );
  assert.ok(text !== readFileSync(SCANNER_FILE, 'utf8'));
});

test('a source that cannot be compiled is told with its place', async () => {
  const broken = scannerModule((source) =>
    source.replace('MAX_NESTING: i32 = 64', 'MAX_NESTING: i32 = nothing'),
  );
  await assert.rejects(broken, /cannot be compiled[\s\S]*json\.ts/);
});
