/** One errata process of a drill, with a proxy between it and the brokers; killed, it can be started again. */
import type { LedgerView } from '../../admin/routes/ledger.ts';
import type { Readiness } from '../../admin/routes/ready.ts';
import { ErrataProcess } from '../harness/errata_process.ts';
import type { BugName } from './bugs/catalogue.ts';
import { KafkaProxy } from './kafka_proxy.ts';
import type { Tidy } from './tidy.ts';

const PRELOAD = new URL('./preload.ts', import.meta.url).href;

export interface DrillProcessOptions {
  name: string;
  broker_ports: readonly number[];
  topology_file: string;
  bug: BugName | null;
}

export class DrillProcess {
  readonly name: string;
  readonly proxy: KafkaProxy;
  readonly #options: DrillProcessOptions;
  readonly #tidy: Tidy;
  readonly #lives: ErrataProcess[] = [];

  static async create(options: DrillProcessOptions, tidy: Tidy): Promise<DrillProcess> {
    const proxy = await KafkaProxy.start(...options.broker_ports);
    tidy.after(() => proxy.stop());
    return new DrillProcess(options, proxy, tidy);
  }

  private constructor(options: DrillProcessOptions, proxy: KafkaProxy, tidy: Tidy) {
    this.name = options.name;
    this.#options = options;
    this.proxy = proxy;
    this.#tidy = tidy;
  }

  start(): void {
    const { topology_file, bug } = this.#options;
    const env = {
      KAFKA_BROKERS: this.proxy.address,
      ...(bug === null ? {} : { ERRATA_PLANTED_BUG: bug }),
    };
    this.#lives.push(new ErrataProcess(this.#tidy, { files: [topology_file], env, preload: PRELOAD }));
  }

  async kill(): Promise<void> {
    this.#life.signal('SIGKILL');
    await this.#life.exited;
  }

  freeze(): void {
    this.#life.signal('SIGSTOP');
  }

  thaw(): void {
    this.#life.signal('SIGCONT');
  }

  /** Of its worker threads the one with this number, modulo how many there are. */
  endThread(number: number): void {
    this.#life.tell({ end_thread: number });
  }

  /** Exit status. */
  stop(): Promise<number | null> {
    return this.#life.terminate();
  }

  /** Why it is not ready; null if it is. */
  async notReady(): Promise<string | null> {
    const { body } = await this.#life.ask<Readiness>('GET', '/ready');
    return body.ready ? null : JSON.stringify(body);
  }

  ledger(topology: string): Promise<LedgerView> {
    return this.#life.get<LedgerView>(`/topologies/${topology}/ledger`);
  }

  /** All that it printed, life by life. */
  get log(): string {
    return this.#lives.map(({ stdout, stderr }, life) => `--- life ${life}\n${stdout}${stderr}`).join('\n');
  }

  get #life(): ErrataProcess {
    return this.#lives.at(-1)!;
  }
}
