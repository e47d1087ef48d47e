/**
 * A sink for tests of what runs sinks: appends each value to a file of its partition, and keeps in its state how many lines the
 * file had. Where the file has more, they were written and not committed: it cuts them off and writes what it is given. As a
 * module it is what an engine's thread imports.
 */
import { appendFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import type { ConnectorModule, OpenSink } from '../../engine/edge.ts';

export interface FileConfig {
  /** The partition's number is appended. */
  path: string;
  /** Every so many writes, what was written is said to have failed. */
  fails_every: number;
}

/** A value that the file does not take. */
export const REFUSED = 'refuse me';
/** A value that ends the thread while it is written. */
export const DEADLY = 'kill me';

export const openSink: ConnectorModule['openSink'] = async (_kind, config, { partition }) => {
  const { path, fails_every } = config as FileConfig;
  return fileSink(`${path}.${partition}`, fails_every);
};

export const startSource: ConnectorModule['startSource'] = () => Promise.reject(new Error('there are none'));
export const batchLimits: ConnectorModule['batchLimits'] = () => ({ max_records: 20, max_bytes: 1_000_000 });

export function linesOf(path: string): string[] {
  return existsSync(path) ? readFileSync(path, 'utf8').split('\n').slice(0, -1) : [];
}

/** As a callback does that nobody catches. */
function endThread(): Promise<never> {
  setTimeout(() => {
    throw new TypeError('thrown while a record is written');
  }, 5);
  return new Promise(() => undefined);
}

function fileSink(path: string, fails_every: number): OpenSink {
  let writes = 0;
  return {
    write: async (records, { state }) => {
      if (records.some(({ value }) => String(value) === DEADLY)) await endThread();
      const committed = state.get<number>('lines') ?? 0;
      const before = linesOf(path);
      if (before.length > committed)
        writeFileSync(
          path,
          before
            .slice(0, committed)
            .map((line) => `${line}\n`)
            .join(''),
        );
      const [refused, taken] = [true, false].map((wanted) =>
        records.filter(({ value }) => (String(value) === REFUSED) === wanted),
      );
      for (const { value } of taken!) appendFileSync(path, `${value}\n`);
      state.set('lines', committed + taken!.length);
      await delay(5);
      writes += 1;
      if (writes % fails_every === 0) throw new Error('it is not known whether that was written');
      return refused!.map((record) => ({
        record,
        reason: { code: 'file_refused', message: 'it asks for it' },
      }));
    },
    health: () => null,
    close: async () => undefined,
  };
}
