/**
 * A root folder that is this machine's with a layer on top, in a mount namespace of its own: what a container sees,
 * without an engine. Needs root, `unshare` (util-linux) and overlayfs.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync } from 'node:fs';
import { join } from 'node:path';

export interface LayeredRoot {
  /** The layer: what is written goes there, and what is there goes before what the machine has. */
  layer: string;
  /** A folder for mount points, on the file system of the layer. */
  scratch: string;
}

export interface RootedCommand {
  command: string[];
  working_dir: string;
  env: Record<string, string>;
  /** Null: root, with all that root may do; otherwise nothing is left of that. */
  user: { uid: number; gid: number } | null;
  read_only: boolean;
  /** From the path inside to the file or folder outside. */
  mounts: Record<string, string>;
}

/** Why there can be none here, or null. */
export function noLayeredRoot(scratch: string): string | null {
  const root = emptyRoot(scratch);
  const [command, ...args] = rooted(root, {
    command: ['true'],
    working_dir: '/',
    env: {},
    user: null,
    read_only: true,
    mounts: {},
  });
  const { status, stderr, error } = spawnSync(command!, args, { encoding: 'utf8' });
  return status === 0 ? null : `no overlay in a mount namespace: ${error?.message ?? stderr.trim()}`;
}

export function emptyRoot(scratch: string): LayeredRoot {
  const layer = mkdtempSync(join(scratch, 'layer-'));
  return { layer, scratch };
}

const MOUNT = `
set -e
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
layer=$1; work=$2; root=$3; read_only=$4; mounts=$5; shift 5
mount --make-rprivate /
mount -t overlay overlay -o "lowerdir=/,upperdir=$layer,workdir=$work" "$root"
for folder in proc dev; do mount --rbind "/$folder" "$root/$folder"; done
while [ "$mounts" -gt 0 ]; do mount --bind "$1" "$root$2"; shift 2; mounts=$((mounts - 1)); done
if [ "$read_only" = yes ]; then mount -o remount,ro "$root"; fi
exec chroot "$root" "$@"
`;

/** What to spawn. Each program replaces the one before, so that a signal to the process reaches the command. */
export function rooted({ layer, scratch }: LayeredRoot, given: RootedCommand): string[] {
  const mount_point = mkdtempSync(join(scratch, 'root-'));
  const work = mkdtempSync(join(scratch, 'work-'));
  const mounts = Object.entries(given.mounts);
  for (const [inside, outside] of mounts) makeMountPoint(join(layer, inside), outside);
  const env = Object.entries(given.env).map(([name, value]) => `${name}=${value}`);
  return [
    'unshare',
    ...['--mount', 'sh', '-c', MOUNT, 'sh'],
    ...[layer, work, mount_point, given.read_only ? 'yes' : 'no', String(mounts.length)],
    ...mounts.flatMap(([inside, outside]) => [outside, inside]),
    ...(given.user ? unprivileged(given.user) : []),
    ...['env', '--ignore-environment', `--chdir=${given.working_dir}`, ...env],
    ...given.command,
  ];
}

function unprivileged({ uid, gid }: { uid: number; gid: number }): string[] {
  const ids = [`--reuid=${uid}`, `--regid=${gid}`, '--clear-groups'];
  return ['setpriv', ...ids, '--no-new-privs', '--bounding-set=-all'];
}

function makeMountPoint(inside: string, outside: string): void {
  const is_folder = spawnSync('test', ['-d', outside]).status === 0;
  mkdirSync(is_folder ? inside : join(inside, '..'), { recursive: true });
  if (!is_folder) spawnSync('touch', [inside]);
}
