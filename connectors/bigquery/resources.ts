/** What the BigQuery sink needs there, for `errata provision`. */
import type { MessageType } from '../../actors/actor.ts';
import type { BigqueryColumn, Resource } from '../provision/resource.ts';
import { type MappedColumn, type Mapping, rowMapping } from './mapping.ts';
import { columnTypes } from './table_check.ts';

interface Settings {
  /** `dataset.table` */
  table: string;
  project?: string;
  mapping?: Mapping;
}

/** A table with a mapping is left to people: nothing here knows the types of its columns. */
export function bigqueryResources(
  { table: path, project, mapping }: Settings,
  message: MessageType,
): Resource[] {
  const [dataset = '', name = ''] = path.split('.');
  const place = { project: project ?? null };
  const columns = rowMapping(mapping, message)?.columns.flatMap(columnOf) ?? [];
  return [
    { type: 'bigquery_dataset', ...place, name: dataset, location: null },
    ...(columns.length === 0 ? [] : [{ type: 'bigquery_table' as const, ...place, dataset, name, columns }]),
  ];
}

function columnOf(mapped: MappedColumn): BigqueryColumn[] {
  const [type, ...also] = columnTypes(mapped) ?? [];
  return type === undefined ? [] : [{ name: mapped.column, type, mode: 'NULLABLE', also }];
}
