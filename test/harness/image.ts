/** The image that a Dockerfile describes, built without an engine: its layer on top of this machine's root folder. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { buildContext } from './build_context.ts';
import { type BuildStage, execForm, type Instruction, lastOf, parseDockerfile } from './dockerfile.ts';
import { emptyRoot, type LayeredRoot, rooted } from './layered_root.ts';

export interface Image {
  root: LayeredRoot;
  user: string;
  working_dir: string;
  env: Record<string, string>;
  entrypoint: string[];
  command: string[];
  health_check: string[];
  volumes: string[];
}

const PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
/** Of the user `node` in the official images. */
export const NODE_USER = { uid: 1000, gid: 1000 };

/** `folder`: with Dockerfile and .dockerignore. All that is made is under `scratch`. */
export function buildImage(folder: string, scratch: string): Image {
  const stages = parseDockerfile(readFileSync(join(folder, 'Dockerfile'), 'utf8'));
  const built = new Map<string | null, StageBuild>();
  for (const stage of stages) {
    const build = new StageBuild(stage, folder, scratch, built);
    built.set(stage.name, build);
  }
  return built.get(null)!.image();
}

class StageBuild {
  readonly root: LayeredRoot;
  readonly #stage: BuildStage;
  readonly #folder: string;
  readonly #others: ReadonlyMap<string | null, StageBuild>;
  readonly #env: Record<string, string> = { PATH };
  #working_dir = '/';

  constructor(
    stage: BuildStage,
    folder: string,
    scratch: string,
    others: ReadonlyMap<string | null, StageBuild>,
  ) {
    this.#stage = stage;
    this.#folder = folder;
    this.#others = others;
    this.root = emptyRoot(scratch);
    addNode(this.root.layer, stage.base_image);
    for (const instruction of stage.instructions) this.#carryOut(instruction);
  }

  image(): Image {
    return {
      root: this.root,
      user: lastOf(this.#stage, 'USER') ?? 'root',
      working_dir: this.#working_dir,
      env: this.#env,
      entrypoint: execForm(lastOf(this.#stage, 'ENTRYPOINT') ?? '[]'),
      command: execForm(lastOf(this.#stage, 'CMD') ?? '[]'),
      health_check: execForm(lastOf(this.#stage, 'HEALTHCHECK') ?? '[]'),
      volumes: this.#stage.instructions.filter(({ name }) => name === 'VOLUME').map(({ text }) => text),
    };
  }

  #carryOut({ name, text }: Instruction): void {
    if (name === 'WORKDIR') this.#setWorkingDir(text);
    if (name === 'ENV') this.#env[text.split('=')[0]!] = text.split('=').slice(1).join('=');
    if (name === 'COPY') this.#copy(text.split(/\s+/));
    if (name === 'RUN') this.#run(text);
  }

  #setWorkingDir(path: string): void {
    this.#working_dir = resolve(this.#working_dir, path);
    mkdirSync(join(this.root.layer, this.#working_dir), { recursive: true });
  }

  #copy(args: string[]): void {
    const stage = /^--from=(.*)$/.exec(args[0]!)?.[1];
    const [target = '', ...sources] = args.slice(stage === undefined ? 0 : 1).reverse();
    const into = join(this.root.layer, resolve(this.#working_dir, target));
    if (stage !== undefined) copyLinked(join(this.#others.get(stage)!.root.layer, sources[0]!), into);
    else for (const source of sources.reverse()) this.#copyContext(source, into);
  }

  #copyContext(source: string, into: string): void {
    const files = buildContext(this.#folder).filter((path) => source === '.' || path === source);
    assert.ok(files.length > 0, `COPY ${source}: .dockerignore leaves nothing of it`);
    for (const file of files) cpSync(join(this.#folder, file), join(into, file));
  }

  #run(command: string): void {
    const [program, ...args] = rooted(this.root, {
      command: ['sh', '-c', command],
      working_dir: this.#working_dir,
      env: {
        ...certificates(),
        HOME: process.env.HOME ?? '/root',
        ...this.#env,
        npm_config_prefer_offline: 'true',
      },
      user: null,
      read_only: false,
      mounts: {},
    });
    const { status, stdout, stderr } = spawnSync(program!, args, { encoding: 'utf8', timeout: 400_000 });
    assert.equal(status, 0, `RUN ${command}: ${stdout}${stderr}`);
  }
}

/** How registries are reached from here; nothing of it ends in the image. */
function certificates(): Record<string, string> {
  const names = [
    'NODE_EXTRA_CA_CERTS',
    'SSL_CERT_FILE',
    'HTTPS_PROXY',
    'https_proxy',
    'NO_PROXY',
    'no_proxy',
  ];
  return Object.fromEntries(names.flatMap((name) => (process.env[name] ? [[name, process.env[name]!]] : [])));
}

/** What the official image brings of which the Dockerfile makes use: this version of Node, and the user. */
function addNode(layer: string, base_image: string): void {
  assert.match(base_image, new RegExp(`^node:${process.versions.node.replaceAll('.', '\\.')}-`));
  mkdirSync(join(layer, 'usr/local/bin'), { recursive: true });
  cpSync(process.execPath, join(layer, 'usr/local/bin/node'), { dereference: true });
  chmodSync(layer, 0o755);
  mkdirSync(join(layer, 'etc'));
  const { uid, gid } = NODE_USER;
  for (const [file, line] of [
    ['passwd', `node:x:${uid}:${gid}::/home/node:/bin/bash`],
    ['group', `node:x:${gid}:`],
  ] as const) {
    const others = readFileSync(join('/etc', file), 'utf8')
      .split('\n')
      .filter((entry) => !entry.includes(`:x:${uid}:`));
    writeFileSync(join(layer, 'etc', file), [line, ...others].join('\n'));
  }
}

/** Files are shared, not copied: there are many. */
function copyLinked(from: string, into: string): void {
  mkdirSync(join(into, '..'), { recursive: true });
  const { status, stderr } = spawnSync('cp', ['--archive', '--link', from, into], { encoding: 'utf8' });
  assert.equal(status, 0, stderr);
}
