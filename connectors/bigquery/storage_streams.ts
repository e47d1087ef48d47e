/** Write streams by the Storage Write API, one append at a time. */
import { setTimeout as delay } from 'node:timers/promises';
import { ErrataError } from '../../messages/errata_error.ts';
import { type JSONWriter, passing, type StorageClient } from './clients.ts';
import type { TableField } from './table_field.ts';
import type { Appended, WriteStreams } from './write_streams.ts';

/** A row whose cells are those of the `proto` format. */
export type StorageRow = Record<string, unknown>;

/** gRPC's codes, as far as they decide something. */
const STATUS = {
  invalid_argument: 3,
  not_found: 5,
  already_exists: 6,
  failed_precondition: 9,
  out_of_range: 11,
};
/** What it means that the stream is not as thought, whatever the code beside it. From storage.proto, StorageErrorCode. */
const STREAM_ERRORS = [
  'STREAM_NOT_FOUND',
  'STREAM_FINALIZED',
  'OFFSET_ALREADY_EXISTS',
  'OFFSET_OUT_OF_RANGE',
];
/** As STREAM_ERRORS: a column that is written was dropped or renamed. */
const EXTRA_FIELDS = 'SCHEMA_MISMATCH_EXTRA_FIELDS';
const STORAGE_ERROR = 'google.cloud.bigquery.storage.v1.StorageError';
const APPEND_MAX_MS = 60_000;
/** By itself Google's client tries for ten minutes, and says nothing meanwhile. */
const ONE_ATTEMPT = { timeout: 20_000, retry: null };

interface Status {
  code?: number | string | null;
  message?: string | null;
  /** Of an answer: messages by type. */
  details?: unknown;
  /** Of a call that ended: gRPC's trailers. */
  metadata?: { get(name: string): unknown[] };
}

interface Connected {
  stream: string;
  writer: JSONWriter;
}

export class StorageStreams implements WriteStreams<StorageRow> {
  /** `projects/…/tables/…`. */
  readonly table: string;
  readonly #client: StorageClient;
  readonly #fields: readonly TableField[];
  #connected: Connected | undefined;

  /** `fields`: the columns that rows bring. */
  constructor(client: StorageClient, table: string, fields: readonly TableField[]) {
    this.#client = client;
    this.table = table;
    this.#fields = fields;
  }

  async create(): Promise<string> {
    try {
      const { writer } = this.#client;
      const request = { streamType: 'COMMITTED', destinationTable: this.table } as const;
      return await writer.createWriteStream(request, ONE_ATTEMPT);
    } catch (error) {
      throw passing(error);
    }
  }

  async append(stream: string, rows: readonly StorageRow[], offset: number): Promise<Appended> {
    try {
      const { writer } = await this.#connect(stream);
      const write = writer.appendRows(rows as Parameters<JSONWriter['appendRows']>[0], offset);
      const { error, rowErrors } = await inTime(write.getResult());
      if (!error) return { type: 'written' };
      this.#disconnect();
      const refused = (rowErrors ?? []).map(({ index, message }) => ({
        index: Number(index ?? 0),
        message: message ?? 'it does not say why',
      }));
      return refused.length > 0 ? { type: 'refused', rows: refused } : this.#appended(error);
    } catch (error) {
      this.#disconnect();
      return this.#appended(error as Status);
    }
  }

  async seal(stream: string): Promise<number | null> {
    this.#disconnect();
    try {
      const client = this.#client.writer.getClient();
      const [{ rowCount }] = await client.finalizeWriteStream({ name: stream }, ONE_ATTEMPT);
      return Number(rowCount ?? 0);
    } catch (error) {
      if ((error as Status).code === STATUS.not_found) return null;
      throw passing(error);
    }
  }

  close(): void {
    this.#disconnect();
    this.#client.writer.close();
    void this.#client.writer.getClient().close();
  }

  /** Throws what may pass. */
  #appended(status: Status): Appended {
    const code = Number(status.code);
    const message = status.message ?? `status ${status.code}`;
    if (this.#lacksColumns(status))
      throw new ErrataError('E_BIGQUERY_SCHEMA', `the table lacks columns that are written: ${message}`, {
        hint: 'change the table, or say by `mapping` what goes into which column',
      });
    if (this.#isAboutStream(status, code)) return { type: 'displaced', message };
    if (code === STATUS.invalid_argument) return { type: 'invalid', message };
    throw passing(status);
  }

  #isAboutStream(status: Status, code: number): boolean {
    const { not_found, already_exists, failed_precondition, out_of_range } = STATUS;
    if ([not_found, already_exists, failed_precondition, out_of_range].includes(code)) return true;
    return STREAM_ERRORS.some((name) => status.message?.includes(name));
  }

  #lacksColumns({ message, details, metadata }: Status): boolean {
    const { StorageError } = this.#client;
    const given = (Array.isArray(details) ? details : []) as { type_url?: string; value?: Uint8Array }[];
    const encoded = [
      ...given.filter(({ type_url }) => type_url?.endsWith(STORAGE_ERROR)).map(({ value }) => value),
      ...((metadata?.get(`${STORAGE_ERROR.toLowerCase()}-bin`) ?? []) as Uint8Array[]),
    ];
    const { [EXTRA_FIELDS]: code } = StorageError.StorageErrorCode;
    if (encoded.some((bytes) => bytes && StorageError.decode(bytes).code === code)) return true;
    return message?.includes(EXTRA_FIELDS) ?? false;
  }

  async #connect(stream: string): Promise<Connected> {
    if (this.#connected?.stream === stream) return this.#connected;
    this.#disconnect();
    const { writer: client, managedwriter, adapt } = this.#client;
    const connection = await client.createStreamConnection({ streamId: stream });
    // It is told by the append in hand; without a listener it would end the process.
    connection.onConnectionError(() => undefined);
    const schema = adapt.convertBigQuerySchemaToStorageTableSchema({ fields: this.#fields as TableField[] });
    const protoDescriptor = adapt.convertStorageSchemaToProto2Descriptor(schema, 'root');
    const writer = new managedwriter.JSONWriter({ connection, protoDescriptor });
    this.#connected = { stream, writer };
    return this.#connected;
  }

  #disconnect(): void {
    this.#connected?.writer.close();
    this.#connected = undefined;
  }
}

/** A peer that takes a request and never answers it. */
async function inTime<Answer>(answer: Promise<Answer>): Promise<Answer> {
  const stop = new AbortController();
  const late = delay(APPEND_MAX_MS, undefined, { signal: stop.signal }).then(() => {
    throw new ErrataError('E_BIGQUERY', `BigQuery has not answered within ${APPEND_MAX_MS / 1000} s`);
  });
  late.catch(() => undefined);
  try {
    return await Promise.race([answer, late]);
  } finally {
    stop.abort();
  }
}
