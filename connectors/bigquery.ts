/** Rows of a BigQuery table: exactly once by the Storage Write API, or by insertAll. */
import { type Static, Type } from 'typebox';
import type { MessageType } from '../actors/actor.ts';
import { ErrataError, errorMessage } from '../messages/errata_error.ts';
import { CellRefused, cellOf, type RowFormat } from './bigquery/cell.ts';
import {
  type BigQuery,
  pathOf,
  restClient,
  storageClient,
  type TableName,
  tableFields,
} from './bigquery/clients.ts';
import { CommittedWriter } from './bigquery/committed_writer.ts';
import { InsertAllWriter } from './bigquery/insert_all_writer.ts';
import { builtInMapping, Mapping, type RowMapping, rowMapping } from './bigquery/mapping.ts';
import { MOST_REQUEST_BYTES } from './bigquery/request_limit.ts';
import { bigqueryResources } from './bigquery/resources.ts';
import { StorageStreams } from './bigquery/storage_streams.ts';
import { checkTable, checkUnchanged } from './bigquery/table_check.ts';
import type { TableField } from './bigquery/table_field.ts';
import { defineSink, type Finding, type OpenSink, type Refusal, type SinkRecord } from './connector.ts';

export const BigQueryConfig = Type.Object(
  {
    table: Type.String({
      pattern: '^[A-Za-z0-9_]{1,1024}\\.[A-Za-z0-9_-]{1,1024}$',
      examples: ['feedback_analysis.patterns'],
      description: '`dataset.table`; it must exist, or be made by `errata provision`',
    }),
    project: Type.Optional(
      Type.String({
        pattern: '^[a-z0-9.:-]+$',
        description: 'Google Cloud project; default: that of the credentials, or GOOGLE_CLOUD_PROJECT',
      }),
    ),
    location: Type.Optional(
      Type.String({
        pattern: '^[A-Za-z][A-Za-z0-9-]*$',
        examples: ['EU', 'europe-west3'],
        description:
          'where `errata provision` makes the data set; default: BigQuery’s own. It never moves, so a data set elsewhere is told',
      }),
    ),
    method: Type.Union([Type.Literal('storage_write'), Type.Literal('insert_all')], {
      default: 'storage_write',
      description:
        '`storage_write`: exactly once, by a committed stream with offsets; `insert_all`: at least once, repetitions dropped at best effort',
    }),
    write: Type.Union([Type.Literal('last'), Type.Literal('first'), Type.Literal('each')], {
      default: 'last',
      description:
        'which revisions of a window: the last once its lateness is over (one row per window), the first that is final (one row), or each',
    }),
    mapping: Type.Optional(Mapping),
  },
  { additionalProperties: false },
);
export type BigQueryConfig = Static<typeof BigQueryConfig>;

export const bigquery = defineSink({
  kind: 'bigquery',
  summary:
    'Writes a row per record: feedback of a source as in `user_feedback`, assessments as in `feedback_analysis.patterns`, anything else by `mapping`. Rows that BigQuery refuses go to the dead-letter topic.',
  example: `patterns:
  from: severity.assessments
  bigquery: { table: feedback_analysis.patterns }`,
  config: BigQueryConfig,
  batch: { max_records: 2_000, max_bytes: 4 * 1024 * 1024 },
  revisions: ({ write }) => write,
  check: ({ mapping }, message) => (mapping ? [] : checkMessage(message)),
  resources: bigqueryResources,
  open: async (config, { message, log }) => {
    const client = await restClient(config.project);
    const mapping = rowMapping(config.mapping, message)!;
    const table = await tableName(config, client);
    const found = async () => checkTable(config.table, await tableFields(client, table), mapping.columns);
    const fields = await found();
    const stillFits = async () => checkUnchanged(config.table, fields, await found());
    if (config.method === 'insert_all')
      return opened(new InsertAllWriter(client, table, rowsBy(mapping, fields, 'json'), stillFits));
    const streams = new StorageStreams(await storageClient(), pathOf(table), fields);
    const writer = new CommittedWriter(streams, rowsBy(mapping, fields, 'proto'), stillFits, log);
    return opened(writer, () => streams.close());
  },
});

function checkMessage(message: MessageType): Finding[] {
  if (message === 'alert') {
    const said = 'alerts come only of windows that fire; `severity.assessments` is one row for each window';
    return [{ code: 'W_CONNECTOR', at: [], message: said }];
  }
  if (builtInMapping(message)) return [];
  const said = `${message} records have no table of their own: say by "mapping" what goes into which column`;
  return [{ code: 'E_CONNECTOR', at: [], message: said }];
}

function opened(writer: Pick<OpenSink, 'write'>, close: () => void = () => undefined): OpenSink {
  return {
    write: (records, context) => writer.write(records, context),
    health: () => null,
    close: async () => close(),
  };
}

async function tableName({ table: path, project }: BigQueryConfig, client: BigQuery): Promise<TableName> {
  const [dataset, table] = path.split('.') as [string, string];
  return { project: project ?? (await projectOf(client)), dataset, table };
}

async function projectOf(client: BigQuery): Promise<string> {
  try {
    return await client.getProjectId();
  } catch (cause) {
    throw new ErrataError('E_BIGQUERY_PROJECT', `no Google Cloud project: ${errorMessage(cause)}`, {
      hint: 'set `project`, GOOGLE_CLOUD_PROJECT, or GOOGLE_APPLICATION_CREDENTIALS',
      cause,
    });
  }
}

type Row = Record<string, unknown>;
type RowOrNot = { row: Row; bytes: number } | { refused: Refusal['reason'] } | null;

/** Cells are of the types of the table, or the record is refused here. */
function rowsBy(
  mapping: RowMapping,
  fields: readonly TableField[],
  format: RowFormat,
): (record: SinkRecord) => RowOrNot {
  const columns = mapping.columns.map(({ column }, index) => ({ column, field: fields[index]! }));
  return (record) => {
    const mapped = mapping.map(record);
    if (!mapped || 'refused' in mapped) return mapped;
    try {
      const row: Row = {};
      let bytes = 0;
      for (const { column, field } of columns) {
        const cell = cellOf(field, mapped.values[column], format);
        if (cell === undefined) continue;
        row[field.name] = cell;
        bytes += sizeOf(cell);
      }
      if (bytes > MOST_REQUEST_BYTES)
        throw new CellRefused(`the row has ${bytes} bytes, BigQuery takes ${MOST_REQUEST_BYTES}`);
      return { row, bytes };
    } catch (error) {
      if (!(error instanceof CellRefused)) throw error;
      return { refused: { code: 'bigquery_row', message: error.message } };
    }
  };
}

/** About what a cell takes in a request. */
function sizeOf(cell: unknown): number {
  if (typeof cell === 'string') return Buffer.byteLength(cell) + 8;
  return cell !== null && typeof cell === 'object' ? JSON.stringify(cell).length + 8 : 16;
}
