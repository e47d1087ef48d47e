/** Data sets and tables of BigQuery, as they are and as they are needed. */
import { entryOf } from '../../messages/entry_of.ts';
import { isWritable } from '../bigquery/cell.ts';
import { type BigQuery, restClient } from '../bigquery/clients.ts';
import { isRepeated, isRequired, type TableField, typeOf } from '../bigquery/table_field.ts';
import { Asking, serviceOf } from './answer.ts';
import {
  type BigqueryColumn,
  type BigqueryDataset,
  type BigqueryTable,
  type Difference,
  difference,
  type Provisioner,
  type Resource,
  type Standing,
  standing,
} from './resource.ts';

const HTTP = { forbidden: 403, not_found: 404, conflict: 409 };

export class BigqueryProvisioner implements Provisioner {
  readonly types = ['bigquery_dataset', 'bigquery_table'] as const;
  readonly #clients = new Map<string | null, Promise<BigQuery>>();
  readonly #asking = new Asking({
    ...serviceOf('BigQuery', 'bigquery.googleapis.com', [
      'BIGQUERY_EMULATOR_HOST',
      process.env.BIGQUERY_EMULATOR_HOST,
    ]),
    hintFor: (error) =>
      isCode(HTTP.forbidden)(error) ? 'the account needs roles/bigquery.dataEditor' : undefined,
  });

  async examine(resource: Resource): Promise<Standing> {
    const needed = resource as BigqueryDataset | BigqueryTable;
    const client = await this.#client(needed.project);
    try {
      const differences = needed.type === 'bigquery_dataset' ? inDataset : inTable;
      const look = () => differences(client, needed as BigqueryDataset & BigqueryTable);
      return standing(await this.#asking.answerOf(look, isCode(HTTP.not_found)));
    } catch (error) {
      if (isCode(HTTP.not_found)(error)) return { is: 'missing' };
      throw error;
    }
  }

  async make(resource: Resource): Promise<void> {
    const needed = resource as BigqueryDataset | BigqueryTable;
    const client = await this.#client(needed.project);
    try {
      await this.#asking.answerOf<unknown>(() => create(client, needed), isCode(HTTP.conflict));
    } catch (error) {
      if (!isCode(HTTP.conflict)(error)) throw error;
    }
  }

  async close(): Promise<void> {}

  #client(project: string | null): Promise<BigQuery> {
    return entryOf(this.#clients, project, () => restClient(project ?? undefined));
  }
}

function create(client: BigQuery, needed: BigqueryDataset | BigqueryTable): Promise<unknown> {
  if (needed.type === 'bigquery_table')
    return client.dataset(needed.dataset).createTable(needed.name, { schema: schemaOf(needed) });
  return client.createDataset(needed.name, needed.location === null ? {} : { location: needed.location });
}

function schemaOf({ columns }: BigqueryTable): { fields: TableField[] } {
  return { fields: columns.map(({ name, type, mode }) => ({ name, type: type!, mode })) };
}

async function inDataset(client: BigQuery, { name, location }: BigqueryDataset): Promise<Difference[]> {
  const [metadata] = await client.dataset(name).getMetadata();
  return location === null
    ? []
    : difference('location', location, (metadata as { location?: string }).location);
}

async function inTable(client: BigQuery, { dataset, name, columns }: BigqueryTable): Promise<Difference[]> {
  const [metadata] = await client.dataset(dataset).table(name).getMetadata();
  const fields = (metadata as { schema?: { fields?: TableField[] } }).schema?.fields ?? [];
  const found = new Map(fields.map((field) => [field.name.toLowerCase(), field]));
  const needed = new Set(columns.map((column) => column.name.toLowerCase()));
  return [
    ...columns.flatMap((column) => inColumn(column, found.get(column.name.toLowerCase()))),
    ...fields
      .filter((field) => isRequired(field) && !needed.has(field.name.toLowerCase()))
      .map((field) => ({ of: `column ${field.name}`, needed: 'none, or NULLABLE', found: 'REQUIRED' })),
  ];
}

function inColumn({ name, type, also }: BigqueryColumn, field: TableField | undefined): Difference[] {
  const difference = { of: `column ${name}`, needed: type ?? 'any type that errata can write' };
  if (field === undefined) return [{ ...difference, found: 'none' }];
  const found = isRepeated(field) ? `ARRAY<${typeOf(field)}>` : typeOf(field);
  const will_do = also === 'writable' ? isWritable(field) : found === type || also.includes(found);
  return will_do ? [] : [{ ...difference, found }];
}

function isCode(code: number): (error: unknown) => boolean {
  return (error) => (error as { code?: unknown }).code === code;
}
