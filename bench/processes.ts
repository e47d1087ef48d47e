/** Node processes of a bench, which end with it. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';

const QUIET = ['--disable-warning=TimeoutNegativeWarning', '--disable-warning=ExperimentalWarning'];

const children = new Set<ChildProcess>();
process.once('exit', () => children.forEach((child) => void child.kill('SIGKILL')));

export interface Started {
  pid: number;
  /** The first group of what it was to say. */
  said: string;
  /** In order, by SIGTERM. */
  stop(): Promise<void>;
}

/** Resolves when it has said what matches. */
export async function startNode(
  args: string[],
  pattern: RegExp,
  env: Record<string, string> = {},
): Promise<Started> {
  const child = spawn(process.execPath, [...QUIET, ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, ...env },
  });
  children.add(child);
  let said = '';
  child.stdout.on('data', (data) => {
    said += String(data);
  });
  while (!pattern.test(said)) {
    await Promise.race([once(child.stdout, 'data'), once(child, 'close')]);
    if (child.exitCode !== null) throw new Error(`it ended: ${args.join(' ')}`);
  }
  const stop = async () => {
    const closed = once(child, 'close');
    child.kill('SIGTERM');
    await closed;
    children.delete(child);
  };
  return { pid: child.pid!, said: pattern.exec(said)![1]!, stop };
}
