/** What the BigQuery sink needs there, for `errata provision`. */
import type { MessageType } from '../../actors/actor.ts';
import type { BigqueryColumn, Resource } from '../provision/resource.ts';
import { derivedType } from './derived_type.ts';
import { type MappedColumn, type Mapping, pathOf, rowMapping } from './mapping.ts';
import { columnTypes } from './table_check.ts';

interface Settings {
  /** `dataset.table` */
  table: string;
  project?: string;
  location?: string;
  mapping?: Mapping;
}

export function bigqueryResources(
  { table: path, project, location, mapping }: Settings,
  message: MessageType,
): Resource[] {
  const [dataset = '', name = ''] = path.split('.');
  const place = { project: project ?? null };
  const columns = rowMapping(mapping, message)?.columns ?? [];
  return [
    { type: 'bigquery_dataset', ...place, name: dataset, location: location ?? null },
    {
      type: 'bigquery_table',
      ...place,
      dataset,
      name,
      columns: columns.map((column) => columnOf(column, mapping, message)),
    },
  ];
}

function columnOf(mapped: MappedColumn, mapping: Mapping | undefined, message: MessageType): BigqueryColumn {
  const column = { name: mapped.column, mode: 'NULLABLE' as const };
  const [type, ...also] = columnTypes(mapped) ?? [];
  if (type !== undefined) return { ...column, type, also };
  // As the sink, which takes a table that exists with any column that it can write.
  return { ...column, type: derivedType(pathOf(mapping![mapped.column]!), message), also: 'writable' };
}
