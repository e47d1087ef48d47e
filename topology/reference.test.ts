import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { CONNECTOR_CODES } from '../connectors/codes.ts';
import { PROBLEM_CODES } from './codes.ts';
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

test('every code that a connector reports is on the page of problems, and no other', () => {
  const files = globSync('connectors/**/*.ts', {
    exclude: ['**/*.test.ts', '**/codes.ts', '**/testing.ts', '**/fake_*.ts'],
  });
  const text = files.map((file) => readFileSync(file, 'utf8')).join('\n');
  const reported = [/\b([EW]_[A-Z][A-Z_]+)\b/g, /\bcode: '([a-z_]+)'/g].flatMap((form) =>
    [...text.matchAll(form)].map(([, code]) => code!),
  );
  const of_connectors = [...new Set(reported)].filter((code) => !Object.hasOwn(PROBLEM_CODES, code));
  assert.ok(of_connectors.includes('E_BIGQUERY_SCHEMA') && of_connectors.includes('bigquery_refused'));
  const documented = Object.values(CONNECTOR_CODES).flatMap((codes) => Object.keys(codes));
  assert.deepEqual(of_connectors.toSorted(), documented.toSorted());
});
