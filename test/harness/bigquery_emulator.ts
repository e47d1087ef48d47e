/**
 * A BigQuery on this machine: bqemulator, REST and Storage Write API on free loopback ports, killed and started again on the same
 * tables. Of BigQuery's behaviour it lacks: row errors (it takes rows without their required columns), de-duplication by
 * `insertId`, limits. Its write streams do not survive its process. It runs with a change of ours (deploy/infra/bqemulator/start.py),
 * without which it hangs where REST and the Storage Write API are used at once.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { BigQuery } from '@google-cloud/bigquery';
import { bqemulatorPackage, type EmulatorPackage, IMAGE_FOLDER } from './bqemulator_package.ts';
import { type Ending, temporaryFolder } from './embedded.ts';
import { freePort } from './kafka_node.ts';
import { until } from './until.ts';

// Google's clients would look for a machine of Google's first.
process.env.METADATA_SERVER_DETECTION ??= 'none';

export const PROJECT = 'errata-tests';

export interface Column {
  name: string;
  type: string;
  mode?: 'REQUIRED' | 'NULLABLE' | 'REPEATED';
}

/** `rest`, `grpc`: host and port. Google's client takes the first as its base URL, path and all. */
export function emulatorEnv(project: string, rest: string, grpc: string): Record<string, string> {
  return {
    GOOGLE_CLOUD_PROJECT: project,
    BIGQUERY_EMULATOR_HOST: `http://${rest}/bigquery/v2`,
    BIGQUERY_STORAGE_EMULATOR_HOST: grpc,
    METADATA_SERVER_DETECTION: 'none',
  };
}

/** The emulator, ended with the test; undefined if the test is skipped for want of one, which fails where CI=true. */
export async function bigQueryEmulator(t: TestContext): Promise<BigQueryEmulator | undefined> {
  const found = bqemulatorPackage();
  if ('missing' in found) {
    const reason = `no BigQuery emulator: ${found.missing}`;
    if (process.env.CI === 'true') throw new Error(reason);
    console.error(`SKIPPED: ${t.name}: ${reason}`);
    t.skip(reason);
    return undefined;
  }
  const emulator = new BigQueryEmulator(t, found, await freePort(), await freePort());
  await emulator.start();
  return emulator;
}

export class BigQueryEmulator {
  readonly #package: EmulatorPackage;
  readonly #rest_port: number;
  readonly #grpc_port: number;
  readonly #data_dir: string;
  readonly #project: string;
  #child: ChildProcess | undefined;
  #log = '';
  readonly client: BigQuery;

  constructor(t: Ending, found: EmulatorPackage, rest_port: number, grpc_port: number, project = PROJECT) {
    this.#project = project;
    this.#package = found;
    this.#rest_port = rest_port;
    this.#grpc_port = grpc_port;
    this.#data_dir = join(temporaryFolder(t, 'errata-bigquery-'), 'data');
    this.client = new BigQuery({ projectId: project, apiEndpoint: `http://127.0.0.1:${rest_port}` });
    t.after(() => this.kill());
  }

  /** What a process needs in its environment to take this for BigQuery. */
  get env(): Record<string, string> {
    return emulatorEnv(this.#project, `127.0.0.1:${this.#rest_port}`, `127.0.0.1:${this.#grpc_port}`);
  }

  /** To this process and its threads, for as long as the test runs. */
  beBigQuery(t: Ending): void {
    const before = Object.keys(this.env).map((name) => [name, process.env[name]] as const);
    Object.assign(process.env, this.env);
    t.after(() => {
      for (const [name, value] of before)
        if (value === undefined) delete process.env[name];
        else process.env[name] = value;
    });
  }

  async start(): Promise<void> {
    mkdirSync(this.#data_dir, { recursive: true });
    const ports = ['--rest-port', `${this.#rest_port}`, '--grpc-port', `${this.#grpc_port}`];
    const storage = ['--persistent', '--data-dir', this.#data_dir];
    const { modules, home } = this.#package;
    const child = spawn(
      'python3',
      [
        join(IMAGE_FOLDER, 'start.py'),
        'start',
        ...ports,
        ...storage,
        '--project',
        this.#project,
        '--log-level',
        'warning',
      ],
      { env: { ...process.env, PYTHONPATH: modules, HOME: home }, stdio: ['ignore', 'pipe', 'pipe'] },
    );
    this.#child = child;
    this.#log = '';
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (chunk) => {
        this.#log = (this.#log + chunk).slice(-5_000);
      });
    await until(() => this.#answers(child), 'the BigQuery emulator answers', 90_000);
  }

  async #answers(child: ChildProcess): Promise<boolean> {
    if (child.exitCode !== null) throw new Error(`the BigQuery emulator ended at start:\n${this.#log}`);
    return this.client.getDatasets().then(
      () => true,
      () => false,
    );
  }

  /** Without warning. Resolves when it is gone. */
  async kill(): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, 'exit');
    child.kill('SIGKILL');
    await gone;
  }

  /** Makes `dataset.table`, and the data set where it is missing. */
  async createTable(table: string, fields: Column[]): Promise<void> {
    const [dataset, name] = table.split('.') as [string, string];
    const [exists] = await this.client.dataset(dataset).exists();
    if (!exists) await this.client.createDataset(dataset);
    await this.client.dataset(dataset).createTable(name, { schema: { fields } });
  }

  async rows<Row = Record<string, unknown>>(query: string): Promise<Row[]> {
    const [rows] = await this.client.query(query);
    return rows as Row[];
  }
}
