/**
 * A network of its own for a test, in which the services of docker-compose.yml have their names and ports. Nothing gets in
 * or out. Needs root, `unshare` (util-linux) and `ip` (iproute2).
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';

const ENTER = `
set -e
mount --make-rprivate /
mount --bind "$1" /etc/hosts
ip link set lo up
shift
exec "$@"
`;

export interface Network {
  /** All of them are this machine. */
  names: readonly string[];
  /** Where its hosts file goes. */
  scratch: string;
}

/** Runs `command` in the network. Resolves with its exit status and what it printed. */
export async function inNetwork(
  network: Network,
  command: readonly string[],
  env: NodeJS.ProcessEnv,
): Promise<{ status: number | null; output: string }> {
  const hosts = join(network.scratch, 'hosts');
  writeFileSync(hosts, `127.0.0.1 ${['localhost', hostname(), ...network.names].join(' ')}\n`);
  const args = ['--net', '--mount', 'sh', '-c', ENTER, 'sh', hosts, ...command];
  const child = spawn('unshare', args, { env, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk) => {
      output += chunk;
    });
  const stop = () => child.kill('SIGKILL');
  process.once('exit', stop);
  const [status] = (await once(child, 'close')) as [number | null];
  process.removeListener('exit', stop);
  return { status, output };
}
