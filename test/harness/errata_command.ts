/** A command of `errata` that ends by itself, as a person calls it. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';

export interface CommandResult {
  status: number | null;
  stdout: string;
  stderr: string;
}

export async function errataCommand(
  args: readonly string[],
  env: Record<string, string> = {},
): Promise<CommandResult> {
  const { KAFKA_BROKERS: _, ...inherited } = process.env;
  const child = spawn(process.execPath, ['cli/errata.ts', ...args], {
    env: { ...inherited, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const result: CommandResult = { status: null, stdout: '', stderr: '' };
  child.stdout.on('data', (chunk) => {
    result.stdout += chunk;
  });
  child.stderr.on('data', (chunk) => {
    result.stderr += chunk;
  });
  [result.status] = (await once(child, 'close')) as [number | null];
  return result;
}
