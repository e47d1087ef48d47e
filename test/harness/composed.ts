/** Starts services of docker-compose.yml as they are described there, without an engine. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, chownSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { BigQueryEmulator } from './bigquery_emulator.ts';
import type { EmulatorPackage } from './bqemulator_package.ts';
import {
  graceOf_ms,
  kafkaProperties,
  mountsOf,
  portsOf,
  REPOSITORY,
  readComposeFile,
} from './compose_file.ts';
import type { Ending } from './embedded.ts';
import { type Image, NODE_USER } from './image.ts';
import { KafkaNode } from './kafka_node.ts';
import { type RootedCommand, rooted } from './layered_root.ts';
import { type PubsubFake, startPubsubFake } from './pubsub_fake.ts';

const { services } = readComposeFile();

/** With the settings that the image of Apache Kafka would make of its environment. */
export async function startKafka(t: Ending, jars: string, folder: string): Promise<void> {
  mkdirSync(folder);
  const node = new KafkaNode({ folder, jars, heap_mb: 512, properties: kafkaProperties(services.kafka!) });
  t.after(() => node.kill());
  node.start();
  await node.answers('kafka:9092');
}

/** Of Google's services, as errata is told it. */
export const GOOGLE_PROJECT = String(services.errata!.environment!.GOOGLE_CLOUD_PROJECT);

/** The emulator of the service `bigquery`, at its ports. */
export async function startBigQuery(t: Ending, found: EmulatorPackage): Promise<BigQueryEmulator> {
  const [rest, grpc] = portsOf(services.bigquery!).map(({ target }) => target) as [number, number];
  const emulator = new BigQueryEmulator(t, found, rest, grpc, GOOGLE_PROJECT);
  await emulator.start();
  return emulator;
}

/** Google's fake in the place of the service `pubsub`, at its port. `binary`: its program. */
export function startPubsub(t: Ending, binary: string): Promise<PubsubFake> {
  return startPubsubFake(binary, t, `127.0.0.1:${portsOf(services.pubsub!)[0]!.target}`);
}

/** Prometheus with the configuration that is mounted into its container. */
export function startPrometheus(t: Ending, folder: string): void {
  const { command = [] } = services.prometheus!;
  const config = mountsOf(services.prometheus!).find(({ target }) =>
    command.includes(`--config.file=${target}`),
  )!;
  const args = command.map((arg) =>
    arg.replace(config.target, join(REPOSITORY, config.source)).replace('path=/prometheus', `path=${folder}`),
  );
  const child = spawn('prometheus', args, { stdio: 'ignore' });
  t.after(() => child.kill('SIGKILL'));
}

export interface ErrataContainerOptions {
  image: Image;
  /** For its volumes. */
  folder: string;
  /** Their files. */
  secrets: Record<string, string>;
  /** A file that it runs in the place of that of docker-compose.yml. */
  topology?: string;
}

/** That which is mounted. */
const MOUNTED_TOPOLOGY = '/topologies/topology.yaml';

/** The service `errata`, from its image. */
export class ErrataContainer {
  log = '';
  readonly #image: Image;
  readonly #command: string[];
  readonly #within: Omit<RootedCommand, 'command'>;
  #child: ChildProcess | undefined;

  constructor({ image, folder, secrets, topology }: ErrataContainerOptions) {
    const service = services.errata!;
    const given = (service.secrets ?? []).map((name) => [`/run/secrets/${name}`, secrets[name]!]);
    const volumes = mountsOf(service).map(({ source, target }) => [target, newVolume(join(folder, source))]);
    this.#image = image;
    this.#command = (service.command ?? image.command).map((arg) =>
      topology !== undefined && arg.endsWith('.yaml') ? MOUNTED_TOPOLOGY : arg,
    );
    this.#within = {
      working_dir: image.working_dir,
      env: { ...image.env, ...stringsOf(service.environment ?? {}) },
      user: NODE_USER,
      read_only: service.read_only === true,
      mounts: {
        ...Object.fromEntries([...given, ...volumes]),
        ...(topology === undefined ? {} : { [MOUNTED_TOPOLOGY]: topology }),
        // That of the network it is in, which is no part of the layers.
        '/etc/hosts': '/etc/hosts',
      },
    };
  }

  start(t: Ending): void {
    const { entrypoint } = this.#image;
    const [program, ...args] = this.#rooted([...entrypoint, ...this.#command]);
    const child = spawn(program!, args, { env: {}, stdio: ['ignore', 'pipe', 'pipe'] });
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (chunk) => {
        this.log += chunk;
      });
    this.#child = child;
    t.after(() => child.kill('SIGKILL'));
  }

  /** What the process is that gets the signals of the engine. */
  get programName(): string {
    return readFileSync(`/proc/${this.#child!.pid}/cmdline`, 'utf8').split('\0')[0]!;
  }

  /** Exit status of the image's health check. */
  healthCheck(): number | null {
    const [program, ...args] = this.#rooted(this.#image.health_check);
    return spawnSync(program!, args, { env: {} }).status;
  }

  /** Whether a command fails that would write to `path`. */
  refusesToWrite(path: string): boolean {
    const [program, ...args] = this.#rooted(['touch', path]);
    return spawnSync(program!, args, { env: {} }).status !== 0;
  }

  /** As `docker stop`: exit status, or null where it had to be killed once the time of grace was up. */
  async stop(): Promise<number | null> {
    const child = this.#child!;
    const timer = setTimeout(() => child.kill('SIGKILL'), graceOf_ms(services.errata!));
    const ended = once(child, 'close');
    child.kill('SIGTERM');
    const [status] = (await ended) as [number | null];
    clearTimeout(timer);
    return status;
  }

  #rooted(command: string[]): string[] {
    return rooted(this.#image.root, { ...this.#within, command });
  }
}

/** A new volume belongs to whom the folder of the image belongs to that it takes the place of. */
function newVolume(folder: string): string {
  mkdirSync(folder);
  chownSync(folder, NODE_USER.uid, NODE_USER.gid);
  chmodSync(folder, 0o755);
  return folder;
}

function stringsOf(environment: Record<string, string | number>): Record<string, string> {
  return Object.fromEntries(Object.entries(environment).map(([name, value]) => [name, String(value)]));
}
