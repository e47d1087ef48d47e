/**
 * Type declarations of the SDK. The messages' types are derived from their schemas in errata; who uses the SDK gets
 * them written out, and needs no schema library.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import type { TSchema } from 'typebox';
import { ErrataError } from '../../messages/errata_error.ts';
import { Feedback } from '../../messages/feedback.ts';
import { InputStats, Prediction } from '../../messages/prediction.ts';
import { Timestamp } from '../../messages/timestamp.ts';
import { BROWSER_ENTRY, ENTRIES } from './entries.ts';

/** File → the types in it that the SDK's own speak of. */
const MESSAGE_TYPES: Record<string, Record<string, TSchema>> = {
  'messages/prediction.d.ts': { InputStats, Prediction },
  'messages/feedback.d.ts': { Feedback },
  'messages/timestamp.d.ts': { Timestamp },
};

/** Into `folder`, which stands for the root of the checkout. */
export function writeDeclarations(root: string, folder: string): void {
  const work = mkdtempSync(join(root, 'node_modules/.sdk-types-'));
  try {
    const project = join(work, 'tsconfig.json');
    writeFileSync(project, JSON.stringify(tsconfig(root, folder, work)));
    // TypeScript's own command has no other way in.
    const tsc = join(root, 'node_modules/typescript/bin/tsc');
    const { status, stdout, stderr } = spawnSync(process.execPath, [tsc, '-p', project], {
      encoding: 'utf8',
    });
    if (status !== 0) throw new ErrataError('E_BUILD', `no declarations were written: ${stdout}${stderr}`);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

function tsconfig(root: string, folder: string, work: string): object {
  return {
    extends: relative(work, join(root, 'tsconfig.json')),
    compilerOptions: {
      noEmit: false,
      declaration: true,
      emitDeclarationOnly: true,
      rootDir: root,
      outDir: resolve(folder),
      types: ['node'],
      typeRoots: [join(root, 'node_modules/@types')],
    },
    files: [...ENTRIES, BROWSER_ENTRY].map(({ source }) => join(root, source)),
    include: [],
  };
}

/** As it is published: imports name what stands beside it, and types of messages stand for themselves. */
export function publishedDeclaration(path: string, text: string): string {
  const types = MESSAGE_TYPES[path];
  if (!types) return text.replace(/(from '\.[^']*)\.ts'/g, "$1.js'");
  const lines = Object.entries(types).map(([name, schema]) => `export type ${name} = ${typeOf(schema)};`);
  return `${lines.join('\n')}\n`;
}

interface Schema {
  type?: string;
  anyOf?: Schema[];
  const?: unknown;
  items?: Schema;
  properties?: Record<string, Schema>;
  required?: string[];
}

function typeOf(schema: Schema): string {
  if (schema.anyOf) return schema.anyOf.map(typeOf).join(' | ');
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (schema.items) return `(${typeOf(schema.items)})[]`;
  if (schema.properties) return objectType(schema.properties, schema.required ?? []);
  if (schema.type === 'object') return 'Record<string, unknown>';
  return schema.type ?? 'unknown';
}

function objectType(properties: Record<string, Schema>, required: string[]): string {
  const fields = Object.entries(properties).map(
    ([name, schema]) => `  ${name}${required.includes(name) ? '' : '?'}: ${typeOf(schema)};`,
  );
  return `{\n${fields.join('\n')}\n}`;
}
