/** Folders that are gone when the bench ends, also where it is interrupted. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const folders = new Set<string>();

/** Behind the listeners that kill who still writes there. */
function removeAtExit(): void {
  process.once('exit', () => folders.forEach(removeFolder));
}

process.once('uncaughtExceptionMonitor', removeAtExit);
for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.once(signal, () => {
    removeAtExit();
    process.exit(1);
  });

export function makeFolder(name: string): string {
  const folder = mkdtempSync(join(tmpdir(), `errata-bench-${name}-`));
  folders.add(folder);
  return folder;
}

export function removeFolder(folder: string): void {
  folders.delete(folder);
  rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
}
