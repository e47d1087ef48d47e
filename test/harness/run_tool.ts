/** Runs a command-line tool to its end. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';

/** What the tool printed; rejects, with what it complained about, if it fails. */
export async function runTool(command: string, args: string[], input = ''): Promise<string> {
  const child = spawn(command, args);
  let printed = '';
  let complained = '';
  child.stdout.on('data', (chunk) => {
    printed += chunk;
  });
  child.stderr.on('data', (chunk) => {
    complained += chunk;
  });
  // A tool that reads nothing may have ended by now; its exit code tells.
  child.stdin.on('error', () => undefined);
  child.stdin.end(input);
  const code = await new Promise((resolve) => child.once('close', resolve));
  assert.equal(code, 0, `${command} ${args.join(' ')}: ${complained.slice(-2000)}`);
  return printed;
}
