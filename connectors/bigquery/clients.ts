/**
 * Google's clients, loaded when they are first needed (0.5 s, 40 MB) and pointed at an emulator where the environment says so:
 * BIGQUERY_EMULATOR_HOST (REST, a URL with its path; Google's client itself reads it) and BIGQUERY_STORAGE_EMULATOR_HOST (`host:port`, gRPC without
 * TLS; Google's client knows nothing of the kind). Credentials are found as Google's clients find them.
 */
import type { BigQuery } from '@google-cloud/bigquery';
import type { adapt, managedwriter, protos } from '@google-cloud/bigquery-storage';
import { ErrataError, errorMessage } from '../../messages/errata_error.ts';
import { signInNowhere } from '../emulator.ts';
import type { TableField } from './table_field.ts';

type WriterClient = managedwriter.WriterClient;
type JSONWriter = managedwriter.JSONWriter;

export type { BigQuery, JSONWriter, WriterClient };

export interface StorageClient {
  writer: WriterClient;
  managedwriter: Pick<typeof managedwriter, 'JSONWriter' | 'parseStorageErrors'>;
  adapt: typeof adapt;
  StorageError: typeof protos.google.cloud.bigquery.storage.v1.StorageError;
}

export async function restClient(project: string | undefined): Promise<BigQuery> {
  signInNowhere(process.env.BIGQUERY_EMULATOR_HOST);
  const { BigQuery } = await import('@google-cloud/bigquery');
  return new BigQuery({
    ...(project ? { projectId: project } : {}),
    // What passes is waited for by the engine, which says so meanwhile.
    autoRetry: false,
  });
}

export async function storageClient(environment: NodeJS.ProcessEnv = process.env): Promise<StorageClient> {
  // Not by the package's root, which loads all versions of its services.
  const [loaded, adapt, { default: protos }] = await Promise.all([
    import('@google-cloud/bigquery-storage/build/src/managedwriter/index.js'),
    import('@google-cloud/bigquery-storage/build/src/adapt/index.js'),
    import('@google-cloud/bigquery-storage/build/protos/protos.js'),
  ]);
  const writer = new loaded.WriterClient(await endpoint(environment));
  const { StorageError } = protos.google.cloud.bigquery.storage.v1;
  return { writer, managedwriter: loaded, adapt, StorageError };
}

type WriterOptions = NonNullable<ConstructorParameters<typeof managedwriter.WriterClient>[0]>;

async function endpoint({
  BIGQUERY_STORAGE_EMULATOR_HOST: address,
  BIGQUERY_EMULATOR_HOST,
}: NodeJS.ProcessEnv): Promise<WriterOptions> {
  if (!address && !BIGQUERY_EMULATOR_HOST) return {};
  const [, apiEndpoint, port] = /^(.+):(\d+)$/.exec(address ?? '') ?? [];
  if (apiEndpoint === undefined)
    throw new ErrataError(
      'E_BIGQUERY_EMULATOR',
      `BIGQUERY_STORAGE_EMULATOR_HOST is ${address ? `"${address}"` : 'not set while BIGQUERY_EMULATOR_HOST is'}`,
      { hint: 'set it to host:port of the emulator’s Storage Write API, or use `method: insert_all`' },
    );
  const { credentials } = await import('@grpc/grpc-js');
  // Its own copy of the types of gRPC stands in the package.
  const sslCreds = credentials.createInsecure() as unknown as NonNullable<WriterOptions['sslCreds']>;
  return { apiEndpoint, port: Number(port), sslCreds };
}

/** `dataset.table` in a project. */
export interface TableName {
  project: string;
  dataset: string;
  table: string;
}

export function pathOf({ project, dataset, table }: TableName): string {
  return `projects/${project}/datasets/${dataset}/tables/${table}`;
}

/** The table's columns. Throws E_BIGQUERY_TABLE where there is none, and E_BIGQUERY where BigQuery does not say. */
export async function tableFields(client: BigQuery, { dataset, table }: TableName): Promise<TableField[]> {
  try {
    const [metadata] = await client.dataset(dataset).table(table).getMetadata();
    return (metadata as { schema?: { fields?: TableField[] } }).schema?.fields ?? [];
  } catch (cause) {
    if ((cause as { code?: unknown }).code === 404)
      throw new ErrataError('E_BIGQUERY_TABLE', `there is no table ${dataset}.${table}: ${told(cause)}`, {
        hint: 'make it with the columns that docs/bigquery.md names',
        cause,
      });
    throw passing(cause);
  }
}

/** What waiting may mend: an outage, a quota, a right that is granted later. */
export function passing(cause: unknown): ErrataError {
  if (cause instanceof ErrataError) return cause;
  const { code } = cause as { code?: unknown };
  const said = typeof code === 'number' || typeof code === 'string' ? ` (${code})` : '';
  return new ErrataError('E_BIGQUERY', `BigQuery: ${told(cause)}${said}`, { cause });
}

/** On one line; Google's REST client lists what it was told in several. */
function told(cause: unknown): string {
  const { errors = [], message } = cause as { errors?: { message?: unknown }[]; message?: unknown };
  const messages = errors.map((error) => error.message).filter((said) => typeof said === 'string');
  if (messages.length > 0) return [...new Set(messages)].join('; ');
  return typeof message === 'string' ? message : errorMessage(cause);
}
