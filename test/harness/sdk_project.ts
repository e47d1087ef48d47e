/** A project of its own, as the users of the SDK have one: the package comes from an `npm pack` tarball. */
import { execFile } from 'node:child_process';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { buildSdk } from '../../cli/sdk_package/build.ts';
import { type Ending, temporaryFolder } from './embedded.ts';

const run = promisify(execFile);
/** tfjs recommends its native backend. */
const TENSORFLOW_GREETING = /=+\nHi, looks like you are running TensorFlow[\s\S]*?=+\n/g;

export class SdkProject {
  readonly folder: string;

  private constructor(folder: string) {
    this.folder = folder;
  }

  /** `peers`: packages of this checkout that the project has too. */
  static async create(t: Ending, peers: readonly string[] = []): Promise<SdkProject> {
    const work = temporaryFolder(t);
    const built = join(work, 'sdk');
    await buildSdk(built);
    const { stdout } = await run('npm', ['pack', '--silent', '--pack-destination', work], { cwd: built });
    const folder = join(work, 'project');
    mkdirSync(folder);
    writeFileSync(join(folder, 'package.json'), '{ "name": "project", "private": true }\n');
    const tarball = join(work, stdout.trim());
    await run('npm', ['install', '--offline', '--no-audit', '--no-fund', tarball], { cwd: folder });
    for (const peer of peers) {
      const link = join(folder, 'node_modules', peer);
      mkdirSync(dirname(link), { recursive: true });
      symlinkSync(resolve('node_modules', peer), link);
    }
    return new SdkProject(folder);
  }

  path(...below: string[]): string {
    return join(this.folder, ...below);
  }

  write(file: string, text: string): string {
    writeFileSync(this.path(file), text);
    return this.path(file);
  }

  /** What a program prints. Rejects if it fails. */
  async node(args: string[], { node = process.execPath, env = {} }: RunOptions = {}): Promise<string> {
    const { stdout, stderr } = await run(node, args, {
      cwd: this.folder,
      env: { ...process.env, NODE_NO_WARNINGS: '1', ...env },
      timeout: 60_000,
    });
    if (stderr.replace(TENSORFLOW_GREETING, '').trim() !== '')
      throw new Error(`${args.join(' ')}: ${stderr}`);
    return stdout;
  }
}

interface RunOptions {
  /** The binary. */
  node?: string;
  env?: Record<string, string>;
}
