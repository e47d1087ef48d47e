/** `npm run build:wasm`: compiles what is written in AssemblyScript. */
import { writeFileSync } from 'node:fs';
import { moduleText, WASM_MODULES } from './wasm_modules/compile.ts';

for (const module of WASM_MODULES) writeFileSync(module.file, await moduleText(module));
