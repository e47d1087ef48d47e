/** AssemblyScript → WebAssembly, as modules of TypeScript that hold its bytes: actors open no files. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import asc from 'assemblyscript/asc';

interface WasmModule {
  entry: string;
  file: string;
  /** What it exports. */
  name: string;
}

export const WASM_MODULES: readonly WasmModule[] = [
  { entry: 'messages/scan/wasm/scanner.ts', file: 'messages/scan/scanner_wasm.ts', name: 'SCANNER_WASM' },
  { entry: 'actors/wasm/records.ts', file: 'actors/records_wasm.ts', name: 'RECORDS_WASM' },
];

const FLAGS = [
  // Nothing is allocated, so there is nothing to collect or to abort.
  ...['-O3', '--runtime', 'stub', '--noAssert', '--use', 'abort='],
  ...['--enable', 'simd'],
  // Pages of 64 KiB; the compiler's own data lie below the input (layout.ts).
  ...['--initialMemory', '2', '--memoryBase', String(0x3000)],
  ...['--outFile', 'module.wasm'],
];

/** What is to stand in its file. `change`: of the text of a source, before it is compiled. Throws what the compiler says. */
export async function moduleText(
  { entry, name }: WasmModule,
  change: (source: string) => string = (source) => source,
): Promise<string> {
  const wasm = await compiled(entry, change);
  return [
    `/** What ${entry} is compiled to by \`npm run build:wasm\`: ${wasm.length} bytes in base64. */`,
    `export const ${name} =`,
    `  '${Buffer.from(wasm).toString('base64')}';`,
    '',
  ].join('\n');
}

async function compiled(entry: string, change: (source: string) => string): Promise<Uint8Array> {
  let wasm: Uint8Array | null = null;
  const { error, stderr } = await asc.main([entry, ...FLAGS], {
    readFile: (name, base) => {
      const file = join(base, name);
      return existsSync(file) ? change(readFileSync(file, 'utf8')) : null;
    },
    writeFile: (name, contents) => {
      if (name.endsWith('.wasm')) wasm = contents as Uint8Array;
    },
  });
  if (error || wasm === null) throw new Error(`${entry} cannot be compiled: ${stderr.toString()}`);
  return wasm;
}
