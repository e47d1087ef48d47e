/**
 * The Storage Write API in memory, from the protos in Google's package: what the emulator lacks (errors of single rows, refusals without
 * rows, quotas, answers that get lost), as BigQuery documents it. A row is whatever bytes it has; what they contain decides.
 */
import type { protos } from '@google-cloud/bigquery-storage';
import {
  Server,
  ServerCredentials,
  type ServerDuplexStream,
  type ServerUnaryCall,
  type sendUnaryData,
} from '@grpc/grpc-js';
import type { Ending } from './embedded.ts';

type V1 = typeof protos.google.cloud.bigquery.storage.v1;
type Request = protos.google.cloud.bigquery.storage.v1.IAppendRowsRequest;
type Response = protos.google.cloud.bigquery.storage.v1.IAppendRowsResponse;

const { protos: loaded } = await import('@google-cloud/bigquery-storage');
const v1: V1 = loaded.google.cloud.bigquery.storage.v1;

const CODE = { INVALID_ARGUMENT: 3, NOT_FOUND: 5, ALREADY_EXISTS: 6, OUT_OF_RANGE: 11 };
const SERVICE = '/google.cloud.bigquery.storage.v1.BigQueryWrite';

interface Message {
  encode(message: object): { finish(): Uint8Array };
  decode(bytes: Uint8Array): object;
}

const method = (name: string, request: Message, response: Message, is_stream = false) => ({
  path: `${SERVICE}/${name}`,
  requestStream: is_stream,
  responseStream: is_stream,
  requestSerialize: (message: object) => Buffer.from(request.encode(message).finish()),
  requestDeserialize: (bytes: Buffer) => request.decode(bytes),
  responseSerialize: (message: object) => Buffer.from(response.encode(message).finish()),
  responseDeserialize: (bytes: Buffer) => response.decode(bytes),
});

const METHODS = {
  createWriteStream: method('CreateWriteStream', v1.CreateWriteStreamRequest, v1.WriteStream),
  finalizeWriteStream: method(
    'FinalizeWriteStream',
    v1.FinalizeWriteStreamRequest,
    v1.FinalizeWriteStreamResponse,
  ),
  appendRows: method('AppendRows', v1.AppendRowsRequest, v1.AppendRowsResponse, true),
};

type Fault = 'quota' | 'answer_lost';

export class FakeWriteApi {
  /** Of all streams, as they were taken. */
  readonly rows: string[] = [];
  /** What the next appends meet. */
  readonly faults: Fault[] = [];
  /** A column that is written was dropped: BigQuery says so by a code of its own, or in words only. */
  column_gone: 'by code' | 'in words' | null = null;
  readonly #streams = new Map<string, { rows: number; sealed: boolean }>();
  readonly #server = new Server();
  #port = 0;

  static async start(t: Ending): Promise<FakeWriteApi> {
    const fake = new FakeWriteApi();
    await fake.#listen();
    t.after(() => fake.#server.forceShutdown());
    return fake;
  }

  get env(): Record<string, string> {
    return { BIGQUERY_STORAGE_EMULATOR_HOST: `127.0.0.1:${this.#port}` };
  }

  async #listen(): Promise<void> {
    this.#server.addService(METHODS, {
      createWriteStream: (call: ServerUnaryCall<{ parent: string }, object>, done: sendUnaryData<object>) => {
        const name = `${call.request.parent}/streams/s${this.#streams.size}`;
        this.#streams.set(name, { rows: 0, sealed: false });
        done(null, { name });
      },
      finalizeWriteStream: (call: ServerUnaryCall<{ name: string }, object>, done: sendUnaryData<object>) => {
        const stream = this.#streams.get(call.request.name);
        if (!stream) return done({ code: CODE.NOT_FOUND, details: 'not found' });
        stream.sealed = true;
        done(null, { rowCount: stream.rows });
      },
      appendRows: (call: ServerDuplexStream<Request, Response>) => {
        call.on('data', (request: Request) => this.#append(call, request));
        call.on('end', () => call.end());
      },
    });
    this.#port = await new Promise<number>((resolve, reject) =>
      this.#server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, port) =>
        error ? reject(error) : resolve(port),
      ),
    );
  }

  #append(call: ServerDuplexStream<Request, Response>, request: Request): void {
    const fault = this.faults.shift();
    if (fault === 'quota') {
      call.write({ error: { code: 8, message: 'Exceeds quota on append bytes' } });
      return;
    }
    const response = this.#answer(request);
    if (fault === 'answer_lost') call.emit('error', { code: 14, details: 'connection cut' });
    else call.write(response);
  }

  #answer({ writeStream, offset, protoRows }: Request): Response {
    const rows = (protoRows?.rows?.serializedRows ?? []).map((row) =>
      Buffer.from(row as Uint8Array).toString(),
    );
    const stream = this.#streams.get(writeStream ?? '');
    const at = Number(offset?.value);
    const failed = (code: number, message: string): Response => ({ error: { code, message } });
    if (!stream) return failed(CODE.NOT_FOUND, 'no such stream');
    if (stream.sealed) return failed(CODE.INVALID_ARGUMENT, 'STREAM_FINALIZED: the stream is finalized');
    if (at < stream.rows) return failed(CODE.ALREADY_EXISTS, `expected ${stream.rows}, received ${at}`);
    if (at > stream.rows) return failed(CODE.OUT_OF_RANGE, `expected ${stream.rows}, received ${at}`);
    if (this.column_gone) return columnGone(this.column_gone);
    const errors = rows.flatMap((row, index) =>
      row.includes('bad') ? [{ index, message: 'bad value for id' }] : [],
    );
    if (errors.length > 0)
      return { ...failed(CODE.INVALID_ARGUMENT, 'Errors found while processing rows'), rowErrors: errors };
    if (rows.some((row) => row.includes('odd'))) return failed(CODE.INVALID_ARGUMENT, 'something is odd');
    this.rows.push(...rows.map((row) => row.replace(/^[\s\S]{2}/, '')));
    stream.rows += rows.length;
    return { appendResult: { offset: { value: at } }, writeStream: writeStream ?? '' };
  }
}

function columnGone(said: 'by code' | 'in words'): Response {
  const message = 'Input schema has more fields than BigQuery schema, extra fields: id';
  const code = v1.StorageError.StorageErrorCode.SCHEMA_MISMATCH_EXTRA_FIELDS;
  const value = v1.StorageError.encode({ code, errorMessage: message }).finish();
  const type_url = 'type.googleapis.com/google.cloud.bigquery.storage.v1.StorageError';
  const details = said === 'by code' ? [{ type_url, value }] : [];
  return { error: { code: CODE.INVALID_ARGUMENT, message, details } };
}
