/** `errata` as a process of its own, asked over its admin API, ended with the test. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Readiness } from '../../admin/routes/ready.ts';
import { type Ending, temporaryFolder } from './embedded.ts';
import { until } from './until.ts';

export interface RunArguments {
  /** Topologies of `errata run`. */
  files?: string[];
  /** Another command than `run`, with what it takes. */
  command?: string[];
  data_dir?: string;
  /** Further options of the command; free ports are taken where it says none. */
  options?: string[];
  env?: Record<string, string>;
  token?: string;
  /** A module that the process runs before everything else, in each of its threads; then it also takes messages. */
  preload?: string;
}

export class ErrataProcess {
  stdout = '';
  stderr = '';
  readonly #child: ChildProcess;
  readonly #exited: Promise<number | null>;
  readonly #token: string | undefined;

  constructor(t: Ending, given: RunArguments) {
    const { files = [], data_dir, options = [], env = {}, token, preload } = given;
    const { KAFKA_BROKERS: _, ERRATA_ADMIN_TOKEN: __, ...inherited } = process.env;
    const data = ['--data', data_dir ?? temporaryFolder(t)];
    const ports = ['--admin-port', '0', '--kafka-port', '0'];
    this.#token = token;
    // Of options given twice, the last counts.
    const imports = preload === undefined ? [] : ['--import', preload];
    const { command = ['run', ...files, ...data, ...ports] } = given;
    this.#child = spawn(process.execPath, [...imports, 'cli/errata.ts', ...command, ...options], {
      env: { ...inherited, ...env, ...(token === undefined ? {} : { ERRATA_ADMIN_TOKEN: token }) },
      stdio: ['ignore', 'pipe', 'pipe', ...(preload === undefined ? [] : ['ipc' as const])],
    });
    this.#child.stdout!.on('data', (chunk) => {
      this.stdout += chunk;
    });
    this.#child.stderr!.on('data', (chunk) => {
      this.stderr += chunk;
    });
    this.#exited = once(this.#child, 'close').then(([code]) => code as number | null);
    t.after(async () => {
      this.#child.kill('SIGKILL');
      await this.#exited;
    });
  }

  /** Exit status, null where a signal ended it. */
  get exited(): Promise<number | null> {
    return this.#exited;
  }

  async terminate(): Promise<number | null> {
    this.#child.kill('SIGTERM');
    return this.#exited;
  }

  signal(signal: 'SIGKILL' | 'SIGSTOP' | 'SIGCONT'): void {
    this.#child.kill(signal);
  }

  /** To its preload. */
  tell(message: object): void {
    if (this.#child.connected) this.#child.send(message);
  }

  /** What it says on start of where it is: the first group of `pattern`. */
  async said(pattern: RegExp): Promise<string> {
    await until(() => pattern.test(this.stdout) || this.#child.exitCode !== null, `${pattern} on stdout`);
    const found = pattern.exec(this.stdout)?.[1];
    if (found === undefined) throw new Error(`it ended instead of saying ${pattern}: ${this.stderr}`);
    return found;
  }

  brokers(): Promise<string> {
    return this.said(/^embedded broker on (\S+),/m);
  }

  async ask<Body = { code?: string }>(
    method: 'GET' | 'POST',
    path: string,
    token = this.#token,
  ): Promise<{ status: number; body: Body }> {
    const address = await this.said(/^admin API on (\S+)$/m);
    const headers = token === undefined ? undefined : { authorization: `Bearer ${token}` };
    const response = await fetch(`${address}${path}`, { method, ...(headers ? { headers } : {}) });
    return { status: response.status, body: (await response.json()) as Body };
  }

  async get<Body>(path: string): Promise<Body> {
    return (await this.ask<Body>('GET', path)).body;
  }

  /** Waits until what `path` answers is as wanted, and returns it. */
  async answer<Body>(path: string, wanted: (body: Body) => boolean): Promise<Body> {
    let body = await this.get<Body>(path);
    const holds = async () => {
      body = await this.get<Body>(path);
      return wanted(body);
    };
    await until(holds, path).catch((cause) => {
      const log = this.stderr.slice(-2_000);
      throw new Error(`${path} is not as wanted: ${JSON.stringify(body)}\n${log}`, { cause });
    });
    return body;
  }

  async ready(): Promise<void> {
    await this.answer<Readiness>('/ready', ({ ready }) => ready);
  }
}
