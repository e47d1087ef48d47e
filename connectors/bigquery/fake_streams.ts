/** A table with write streams in memory, after what BigQuery documents of them; for tests. */
import type { Appended, WriteStreams } from './write_streams.ts';

export interface FakeRow {
  id: number;
  /** `refused`: with the row's index; `invalid`: without. */
  taken: 'taken' | 'refused' | 'invalid';
}

export class FakeTable implements WriteStreams<FakeRow> {
  readonly table: string;
  readonly rows: number[] = [];
  readonly #streams = new Map<string, { rows: number; sealed: boolean }>();
  created = 0;

  constructor(table = 'one') {
    this.table = table;
  }

  async create(): Promise<string> {
    const name = `${this.table}/stream-${++this.created}`;
    this.#streams.set(name, { rows: 0, sealed: false });
    return name;
  }

  async append(name: string, rows: readonly FakeRow[], offset: number): Promise<Appended> {
    const stream = this.#streams.get(name);
    if (!stream) return { type: 'displaced', message: 'NOT_FOUND' };
    if (stream.sealed) return { type: 'displaced', message: 'STREAM_FINALIZED' };
    if (offset < stream.rows) return { type: 'displaced', message: 'ALREADY_EXISTS' };
    if (offset > stream.rows) return { type: 'displaced', message: 'OUT_OF_RANGE' };
    if (rows.some(({ taken }) => taken === 'invalid'))
      return { type: 'invalid', message: 'something is wrong' };
    const refused = rows.flatMap(({ taken }, index) =>
      taken === 'refused' ? [{ index, message: 'bad row' }] : [],
    );
    if (refused.length > 0) return { type: 'refused', rows: refused };
    this.rows.push(...rows.map(({ id }) => id));
    stream.rows += rows.length;
    return { type: 'written' };
  }

  async seal(name: string): Promise<number | null> {
    const stream = this.#streams.get(name);
    if (!stream) return null;
    stream.sealed = true;
    return stream.rows;
  }

  forget(name: string): void {
    this.#streams.delete(name);
  }

  close(): void {}
}
