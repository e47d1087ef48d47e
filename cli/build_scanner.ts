/** `npm run build:scanner`: compiles messages/scan/wasm to messages/scan/scanner_wasm.ts. */
import { writeFileSync } from 'node:fs';
import { SCANNER_FILE, scannerModule } from './scanner_module/compile.ts';

writeFileSync(SCANNER_FILE, await scannerModule());
