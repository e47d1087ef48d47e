/**
 * Rows by insertAll: simpler and dearer than write streams, at least once. BigQuery drops repetitions of an `insertId` at
 * best effort, for about a minute; the id is where the record stands in Kafka.
 *
 * Before a row is blamed, the table is compared again: one that was changed under us refuses every row. A request that is refused
 * as a whole is halved until the row is found that it is refused for.
 */
import type { BadRecord } from '../../actors/actor.ts';
import type { Refusal, SinkRecord } from '../connector.ts';
import { type BigQuery, passing, type TableName } from './clients.ts';
import { refusedRow } from './refused_row.ts';
import { MOST_REQUEST_BYTES } from './request_limit.ts';

export type JsonRowOf = (
  record: SinkRecord,
) => { row: Record<string, unknown>; bytes: number } | { refused: BadRecord } | null;

interface MadeRow {
  record: SinkRecord;
  json: Record<string, unknown>;
}

/** BigQuery advises against more rows in one request. */
const MOST_ROWS = 500;

export class InsertAllWriter {
  readonly #client: BigQuery;
  readonly #table: TableName;
  readonly #rowOf: JsonRowOf;
  readonly #checkTable: () => Promise<unknown>;

  /** `checkTable` rejects where the table no longer takes what is written. */
  constructor(client: BigQuery, table: TableName, rowOf: JsonRowOf, checkTable: () => Promise<unknown>) {
    this.#client = client;
    this.#table = table;
    this.#rowOf = rowOf;
    this.#checkTable = checkTable;
  }

  async write(records: readonly SinkRecord[]): Promise<Refusal[]> {
    const refusals: Refusal[] = [];
    let request: MadeRow[] = [];
    let bytes = 0;
    const send = async () => {
      if (request.length > 0) refusals.push(...(await this.#insert(request)));
      [request, bytes] = [[], 0];
    };
    for (const record of records) {
      const made = this.#rowOf(record);
      if (made && 'refused' in made) refusals.push({ record, reason: made.refused });
      if (!made || 'refused' in made) continue;
      if (request.length === MOST_ROWS || bytes + made.bytes > MOST_REQUEST_BYTES) await send();
      request.push({ record, json: made.row });
      bytes += made.bytes;
    }
    await send();
    return refusals;
  }

  /** What BigQuery refuses of them; the others are in. */
  async #insert(request: readonly MadeRow[]): Promise<Refusal[]> {
    const { dataset, table } = this.#table;
    const rows = request.map(({ record: { topic, partition, offset }, json }) => ({
      insertId: `${topic}/${partition}/${offset}`,
      json,
    }));
    try {
      const options = { raw: true, skipInvalidRows: true, partialRetries: 0 };
      await this.#client.dataset(dataset).table(table).insert(rows, options);
      return [];
    } catch (error) {
      return this.#refused(request, error as InsertFailure);
    }
  }

  async #refused(request: readonly MadeRow[], failure: InsertFailure): Promise<Refusal[]> {
    const { insertErrors } = failure.response ?? {};
    if (!insertErrors && !OF_THE_REQUEST.has(failure.code)) throw passing(failure);
    await this.#checkTable();
    if (insertErrors)
      return insertErrors.map(({ index, errors = [] }) => {
        const said = errors.map(({ location, message }) => [location, message].filter(Boolean).join(': '));
        return { record: request[Number(index)]!.record, reason: refusedRow(said.join('; ')) };
      });
    if (request.length === 1)
      return [{ record: request[0]!.record, reason: refusedRow(passing(failure).message) }];
    const half = Math.ceil(request.length / 2);
    return [...(await this.#insert(request.slice(0, half))), ...(await this.#insert(request.slice(half)))];
  }
}

/** HTTP's statuses for what is in the request, the same each time it is sent. */
const OF_THE_REQUEST: ReadonlySet<unknown> = new Set([400, 413]);

/** As Google's client throws it: of single rows, or of the whole request. */
interface InsertFailure {
  code?: unknown;
  response?: { insertErrors?: InsertError[] };
}

interface InsertError {
  index: number | string;
  errors?: { message?: string; location?: string }[];
}
