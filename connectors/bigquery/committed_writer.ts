/**
 * Rows exactly once, by committed streams of the Storage Write API whose position is kept with Kafka's.
 *
 * 1. With the offset of the topic a task commits, in one transaction, which stream it appends to and how many rows that has.
 * 2. Rows are appended at an explicit offset, so that what is in the stream already cannot get in again.
 * 3. A stream is appended to by one writer in one life only. Whoever opens the task, or finds the stream not where it was
 *    left (the answer to an append was lost), seals it. Then nobody appends to it any more, a zombie neither, and BigQuery tells how
 *    many rows it has got: those beyond the committed number are of the records that come next, and are left out.
 * 4. The name of a new stream is committed before its first row: otherwise rows could be in a stream that nobody knows of.
 * 5. So that counting rows finds the record, none that BigQuery refused stands in front of rows that are not committed yet: a batch
 *    ends behind such records, and the rest follows after a commit.
 * 6. A position is of one table: where the topology names another, what is committed says nothing of it.
 * 7. Where the stream is gone altogether (BigQuery forgets a stream that was not used for days; its table was made anew), what was
 *    appended but not committed comes twice, and that is told.
 */
import type { Logger } from 'pino';
import type { BadRecord } from '../../actors/actor.ts';
import type { Refusal, SinkContext, SinkRecord } from '../connector.ts';
import { refusedRow } from './refused_row.ts';
import { MOST_REQUEST_BYTES } from './request_limit.ts';
import type { WriteStreams } from './write_streams.ts';

/** What becomes of a record; null: it makes no row. */
export type RowOf<Row> = (record: SinkRecord) => { row: Row; bytes: number } | { refused: BadRecord } | null;

/** As it is committed, under `position`. */
export interface StreamPosition {
  /** `projects/…/tables/…`; what was written to another table says nothing of this one. */
  table: string;
  stream: string;
  /** How many rows are in it of what is committed. */
  rows: number;
  /** So many rows of the records that come next are in BigQuery already, by an earlier stream. */
  ahead: number;
}

const POSITION = 'position';

export class CommittedWriter<Row> {
  readonly #streams: WriteStreams<Row>;
  readonly #rowOf: RowOf<Row>;
  readonly #checkTable: () => Promise<unknown>;
  readonly #log: Logger;
  /** The one of this life; undefined: there is none yet, or it can no longer be relied on. */
  #stream: string | undefined;
  /** What BigQuery refused of the records in hand, by offset. */
  readonly #refused = new Map<number, BadRecord>();
  /** Offsets of records that BigQuery refused alone without saying that it is them. */
  readonly #suspects = new Set<number>();
  #most_rows = Number.POSITIVE_INFINITY;

  /** `checkTable` rejects where the table no longer takes what is written, or may not; asked before a record is blamed. */
  constructor(
    streams: WriteStreams<Row>,
    rowOf: RowOf<Row>,
    checkTable: () => Promise<unknown>,
    log: Logger,
  ) {
    this.#streams = streams;
    this.#rowOf = rowOf;
    this.#checkTable = checkTable;
    this.#log = log;
  }

  /** As `OpenSink.write`. */
  async write(records: readonly SinkRecord[], context: SinkContext): Promise<Refusal[]> {
    const kept = context.state.get<StreamPosition>(POSITION);
    const position = kept?.table === this.#streams.table ? kept : undefined;
    if (!position || position.stream !== this.#stream) return this.#begin(position, context);
    for (;;) {
      const portion = this.#portion(records, position.ahead);
      const outcome = await this.#append(portion, position);
      if (outcome === 'again') continue;
      if (outcome === 'begin') return this.#begin(position, context);
      return this.#done(portion, position, context);
    }
  }

  async #begin(before: StreamPosition | undefined, context: SinkContext): Promise<Refusal[]> {
    this.#stream = undefined;
    const ahead = before ? before.ahead + (await this.#surplus(before)) : 0;
    const stream = await this.#streams.create();
    context.state.set<StreamPosition>(POSITION, { table: this.#streams.table, stream, rows: 0, ahead });
    context.only(0);
    this.#stream = stream;
    return [];
  }

  /** How many rows the stream has got beyond those that are committed. */
  async #surplus({ stream, rows }: StreamPosition): Promise<number> {
    const found = await this.#streams.seal(stream);
    if (found !== null && found >= rows) return found - rows;
    this.#log.error(
      { stream, committed_rows: rows, rows: found },
      'a write stream is gone: rows that were written but not committed come twice',
    );
    return 0;
  }

  /** From the first records on: rows, then what BigQuery refused. */
  #portion(records: readonly SinkRecord[], ahead: number): Portion<Row> {
    const portion: Portion<Row> = { taken: 0, rows: [], of: [], skipped: 0, refusals: [] };
    let bytes = 0;
    for (const record of records) {
      const reason = this.#refused.get(record.offset);
      if (reason) {
        portion.refusals.push({ record, reason });
        portion.refused = true;
      } else {
        const made = this.#rowOf(record);
        if (made && 'refused' in made) portion.refusals.push({ record, reason: made.refused });
        else if (made && portion.refused) break;
        else if (made && portion.skipped < ahead) portion.skipped++;
        else if (made) {
          bytes += made.bytes;
          const is_full = portion.rows.length >= this.#most_rows || bytes > MOST_REQUEST_BYTES;
          if (is_full && portion.rows.length > 0) break;
          portion.rows.push(made.row);
          portion.of.push(record);
        }
      }
      portion.taken++;
    }
    return portion;
  }

  async #append(
    { rows, of }: Portion<Row>,
    { stream, rows: offset }: StreamPosition,
  ): Promise<'done' | 'again' | 'begin'> {
    if (rows.length === 0) return 'done';
    const appended = await this.#streams.append(stream, rows, offset);
    switch (appended.type) {
      case 'written':
        return 'done';
      case 'refused':
        for (const { index, message } of appended.rows) this.#refuse(of[index]!, message);
        return 'again';
      case 'invalid':
        return this.#narrow(of, appended.message);
      case 'displaced':
        this.#log.warn({ stream, reason: appended.message }, 'write stream given up');
        return 'begin';
    }
  }

  /** Half of them, down to one; that one is to blame only if a fresh stream refuses it too. */
  async #narrow(records: readonly SinkRecord[], message: string): Promise<'again' | 'begin'> {
    const [first] = records as [SinkRecord];
    this.#most_rows = Math.ceil(records.length / 2);
    if (records.length > 1) return 'again';
    // A table that was changed under us refuses every record; none of them is to blame.
    await this.#checkTable();
    if (this.#suspects.has(first.offset)) {
      this.#refuse(first, message);
      return 'again';
    }
    this.#suspects.add(first.offset);
    return 'begin';
  }

  #refuse({ offset }: SinkRecord, message: string): void {
    this.#refused.set(offset, refusedRow(message));
  }

  #done(
    { taken, rows, skipped, refusals, of }: Portion<Row>,
    { rows: before, ahead, ...place }: StreamPosition,
    context: SinkContext,
  ): Refusal[] {
    context.state.set<StreamPosition>(POSITION, {
      ...place,
      rows: before + rows.length,
      ahead: ahead - skipped,
    });
    context.only(taken);
    for (const { record } of refusals) this.#refused.delete(record.offset);
    for (const { record } of refusals) this.#suspects.delete(record.offset);
    for (const { offset } of of) this.#suspects.delete(offset);
    this.#most_rows = Math.max(this.#most_rows * 2, 1);
    return refusals;
  }
}

interface Portion<Row> {
  /** How many records it covers. */
  taken: number;
  rows: Row[];
  /** The records of `rows`. */
  of: SinkRecord[];
  /** Rows that are there already. */
  skipped: number;
  refusals: Refusal[];
  /** Some of the refusals are BigQuery's. */
  refused?: boolean;
}
