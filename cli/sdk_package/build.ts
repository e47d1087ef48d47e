/** Builds the SDK as it is published: JavaScript for Node 20 (modules and CommonJS) and for browsers, with types. */
import { copyFileSync, globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type BuildOptions, build } from 'esbuild';
import { publishedDeclaration, writeDeclarations } from './declarations.ts';
import { BROWSER_ENTRY, BROWSER_SCRIPT, ENTRIES, PEERS } from './entries.ts';
import { type Manifest, sdkManifest } from './manifest.ts';

const ROOT = join(import.meta.dirname, '../..');
/** Of Chrome, Firefox and Safari all since 2022. */
const BROWSERS = 'es2022';

/** A whole package in `folder`, which is emptied before. */
export async function buildSdk(folder: string): Promise<void> {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const node: BuildOptions = {
    absWorkingDir: ROOT,
    entryPoints: Object.fromEntries(ENTRIES.map(({ file, source }) => [file, source])),
    outdir: folder,
    bundle: true,
    platform: 'node',
    target: 'node20',
    external: Object.keys(PEERS),
    logLevel: 'error',
  };
  await build({ ...node, format: 'esm', splitting: true, chunkNames: 'parts/[hash]' });
  await build({ ...node, format: 'cjs', outExtension: { '.js': '.cjs' } });
  await buildForBrowsers(folder);
  buildDeclarations(folder);
  const manifest = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as Manifest;
  writeFileSync(join(folder, 'package.json'), sdkManifest(manifest));
  copyFileSync(join(ROOT, 'LICENSE'), join(folder, 'LICENSE'));
  copyFileSync(join(ROOT, 'docs/sdk.md'), join(folder, 'README.md'));
}

async function buildForBrowsers(folder: string): Promise<void> {
  const { source, file } = BROWSER_ENTRY;
  const browser: BuildOptions = {
    absWorkingDir: ROOT,
    entryPoints: [source],
    bundle: true,
    minify: true,
    platform: 'browser',
    target: BROWSERS,
    logLevel: 'error',
  };
  await build({ ...browser, format: 'esm', outfile: join(folder, `${file}.js`) });
  await build({ ...browser, format: 'iife', globalName: 'errata', outfile: join(folder, BROWSER_SCRIPT) });
}

function buildDeclarations(folder: string): void {
  const written = join(folder, 'declarations');
  writeDeclarations(ROOT, written);
  for (const path of globSync('**/*.d.ts', { cwd: written })) {
    const target = join(folder, 'types', path);
    mkdirSync(dirname(target), { recursive: true });
    writeFileSync(target, publishedDeclaration(path, readFileSync(join(written, path), 'utf8')));
  }
  rmSync(written, { recursive: true });
}
