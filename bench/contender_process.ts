/** A contender as a process of its own. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Contender } from './contenders.ts';
import { makeFolder, removeFolder } from './temporary.ts';

export interface RunSettings {
  brokers: string;
  /** Part of the names of all that the run makes in Kafka. */
  run: string;
  /** Variables that tell where the events are. */
  topics: Record<string, string>;
  results_topic: string;
  events: number;
}

export class ContenderProcess {
  readonly #child: ChildProcess;
  readonly #onExit = () => this.#child.kill('SIGKILL');
  readonly folder: string;
  readonly ended: Promise<unknown>;
  /** The last that it printed. */
  said = '';

  constructor(contender: Contender, settings: RunSettings) {
    this.folder = makeFolder('run');
    const [program, ...args] = contender.command(this.folder);
    this.#child = spawn(program!, args, {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, ...variables(contender, settings, this.folder), ...contender.env },
    });
    for (const stream of [this.#child.stdout!, this.#child.stderr!])
      stream.on('data', (chunk) => {
        this.said = (this.said + chunk).slice(-4_000);
      });
    this.ended = once(this.#child, 'close');
    process.once('exit', this.#onExit);
  }

  get pid(): number {
    return this.#child.pid!;
  }

  /** Resolves when it prints this word. */
  saying(word: string): Promise<void> {
    return new Promise((resolve) => {
      this.#child.stdout!.on('data', () => {
        if (this.said.includes(word)) resolve();
      });
    });
  }

  async kill(): Promise<void> {
    process.removeListener('exit', this.#onExit);
    this.#child.kill('SIGKILL');
    await this.ended;
    removeFolder(this.folder);
  }
}

function variables(contender: Contender, settings: RunSettings, folder: string): Record<string, string> {
  return {
    KAFKA_BROKERS: settings.brokers,
    BENCH_RUN: settings.run,
    ...settings.topics,
    BENCH_RESULTS: settings.results_topic,
    BENCH_EVENT_COUNT: String(settings.events),
    BENCH_GUARANTEE: contender.guarantee,
    BENCH_WORKERS: String(contender.workers),
    BENCH_FOLDER: folder,
  };
}
