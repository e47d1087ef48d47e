/** The embedded broker in a process of its own, which a test can kill and start again where it was. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { type Ending, temporaryFolder } from './embedded.ts';
import { freePort } from './kafka_node.ts';

const PROCESS = join(import.meta.dirname, 'broker_process.ts');

export class BrokerChild {
  readonly address: string;
  readonly #port: number;
  readonly #folder: string;
  #child: ChildProcess | undefined;

  static async start(t: Ending): Promise<BrokerChild> {
    const broker = new BrokerChild(await freePort(), temporaryFolder(t));
    t.after(() => broker.kill());
    await broker.start();
    return broker;
  }

  constructor(port: number, folder: string) {
    this.#port = port;
    this.#folder = folder;
    this.address = `127.0.0.1:${port}`;
  }

  async start(): Promise<void> {
    const command = [PROCESS, String(this.#port), this.#folder];
    this.#child = spawn(process.execPath, command, { stdio: ['ignore', 'pipe', 'inherit'] });
    await once(this.#child.stdout!, 'data');
  }

  /** It keeps its connections, takes new ones, and does nothing until it is thawed. */
  freeze(): void {
    this.#child?.kill('SIGSTOP');
  }

  thaw(): void {
    this.#child?.kill('SIGCONT');
  }

  /** SIGKILL. */
  async kill(): Promise<void> {
    const child = this.#child;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const closed = once(child, 'close');
    child.kill('SIGKILL');
    await closed;
  }
}
