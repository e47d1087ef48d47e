/** The scanner of records: AssemblyScript → WebAssembly, as a module of TypeScript that holds its bytes. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import asc from 'assemblyscript/asc';

const ENTRY = 'messages/scan/wasm/scanner.ts';
export const SCANNER_FILE = 'messages/scan/scanner_wasm.ts';

const FLAGS = [
  // Nothing is allocated, so there is nothing to collect or to abort.
  ...['-O3', '--runtime', 'stub', '--noAssert', '--use', 'abort='],
  ...['--enable', 'simd'],
  // Pages of 64 KiB; the compiler's own data lie below the input (layout.ts).
  ...['--initialMemory', '2', '--memoryBase', String(0x3000)],
  ...['--outFile', 'scanner.wasm'],
];

/** The text of `SCANNER_FILE`. `change`: of the text of a source, before it is compiled. Throws what the compiler says. */
export async function scannerModule(
  change: (source: string) => string = (source) => source,
): Promise<string> {
  const wasm = await compiled(change);
  return [
    `/** What messages/scan/wasm/ is compiled to by \`npm run build:scanner\`: ${wasm.length} bytes in base64. */`,
    'export const SCANNER_WASM =',
    `  '${Buffer.from(wasm).toString('base64')}';`,
    '',
  ].join('\n');
}

async function compiled(change: (source: string) => string): Promise<Uint8Array> {
  let wasm: Uint8Array | null = null;
  const { error, stderr } = await asc.main([ENTRY, ...FLAGS], {
    readFile: (name, base) => {
      const file = join(base, name);
      return existsSync(file) ? change(readFileSync(file, 'utf8')) : null;
    },
    writeFile: (name, contents) => {
      if (name.endsWith('.wasm')) wasm = contents as Uint8Array;
    },
  });
  if (error || wasm === null) throw new Error(`the scanner cannot be compiled: ${stderr.toString()}`);
  return wasm;
}
