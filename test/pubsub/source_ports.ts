/** The engine's side of a source, for tests of the source alone: what it publishes is kept, and acknowledged when the test says so. */
import { pino } from 'pino';
import type { IncomingRecord, SourcePorts } from '../../connectors/connector.ts';

export class HeldPorts implements SourcePorts {
  readonly place = { namespace: 'errata', topology: 'test', name: 'in' };
  readonly process_id = 'test';
  /** What it warns of. */
  readonly warnings: Record<string, unknown>[] = [];
  readonly log = pino({ level: 'warn' }, { write: (line) => this.warnings.push(JSON.parse(line)) });
  readonly records: IncomingRecord[] = [];
  readonly failures: Error[] = [];
  #waiting: PromiseWithResolvers<void>[] = [];
  #is_held = false;

  get texts(): string[] {
    return this.records.map(({ value }) => String(value));
  }

  /** How many wait. */
  get held(): number {
    return this.#waiting.length;
  }

  /** What is published from now on waits. */
  hold(): void {
    this.#is_held = true;
  }

  release(): void {
    this.#is_held = false;
    for (const { resolve } of this.#waiting.splice(0)) resolve();
  }

  refuse(reason: Error): void {
    for (const { reject } of this.#waiting.splice(0)) reject(reason);
  }

  publish(records: readonly IncomingRecord[]): Promise<void> {
    this.records.push(...records);
    if (!this.#is_held) return Promise.resolve();
    const waiting = Promise.withResolvers<void>();
    this.#waiting.push(waiting);
    return waiting.promise;
  }

  async deadLetter(): Promise<void> {}

  blocked(): string | null {
    return null;
  }

  fail(error: Error): void {
    this.failures.push(error);
  }
}
