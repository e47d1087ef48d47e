import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { referencePages } from './reference.ts';

const FOLDER = 'docs/reference';

test('the reference pages are those that the schemas give (npm run docs)', async () => {
  const pages = await referencePages();
  for (const [path, content] of pages) assert.equal(readFileSync(join(FOLDER, path), 'utf8'), content, path);
  assert.deepEqual(globSync('**/*.*', { cwd: FOLDER }).sort(), [...pages.keys()].sort(), 'and no others');
});

test('every setting says what it means', async () => {
  const pages = await referencePages();
  for (const page of ['topology.md', 'actors.md', 'connectors.md']) {
    const rows = pages
      .get(page)!
      .split('\n')
      .filter((line) => line.startsWith('| `'));
    assert.ok(rows.length > 5);
    assert.deepEqual(
      rows.filter((row) => row.endsWith('|  |') && !row.includes('| a mapping |')),
      [],
      page,
    );
  }
});
