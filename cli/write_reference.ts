/** `npm run docs`: writes docs/reference from the schemas. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { referencePages } from '../topology/reference.ts';

for (const [path, content] of await referencePages()) {
  const file = join('docs/reference', path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, content);
}
