/** Whether a table can take what a sink writes, told column by column before the first row. */
import { ErrataError } from '../../messages/errata_error.ts';
import { isWritable } from './cell.ts';
import type { MappedColumn, ValueType } from './mapping.ts';
import { isRepeated, isRequired, type TableField, typeOf } from './table_field.ts';

/** The types of column that hold every such value; the first is the one to make it with. */
const HOLDING: Record<Exclude<ValueType, 'any'>, readonly [string, ...string[]]> = {
  text: ['STRING'],
  integer: ['INT64', 'FLOAT64', 'NUMERIC', 'BIGNUMERIC', 'STRING'],
  number: ['FLOAT64', 'INT64', 'NUMERIC', 'BIGNUMERIC', 'STRING'],
  time: ['TIMESTAMP', 'DATETIME'],
  json: ['STRING', 'JSON'],
};

/** The type to make a column with, and those that will do as well; undefined where nothing is known of its values. */
export function columnTypes({ value, type }: MappedColumn): readonly [string, ...string[]] | undefined {
  if (type !== undefined) return [type];
  return value === 'any' ? undefined : HOLDING[value];
}

/** The columns that are written, as the table has them. Throws E_BIGQUERY_SCHEMA with every difference. */
export function checkTable(
  table: string,
  fields: readonly TableField[],
  columns: readonly MappedColumn[],
): TableField[] {
  const found = new Map(fields.map((field) => [field.name.toLowerCase(), field]));
  const differences = columns.flatMap((column) => difference(column, found.get(column.column.toLowerCase())));
  const filled = new Set(columns.map(({ column }) => column.toLowerCase()));
  for (const field of fields)
    if (isRequired(field) && !filled.has(field.name.toLowerCase()))
      differences.push(`column ${field.name} is REQUIRED and nothing fills it`);
  if (differences.length > 0)
    throw new ErrataError(
      'E_BIGQUERY_SCHEMA',
      `table ${table} differs from what is written: ${differences.join('; ')}`,
      { hint: 'change the table, or say by `mapping` what goes into which column' },
    );
  return columns.map(({ column }) => found.get(column.toLowerCase())!);
}

/** Whether the columns are those that were found at first. Throws E_BIGQUERY_SCHEMA: rows are made for them, and have to be made anew. */
export function checkUnchanged(
  table: string,
  before: readonly TableField[],
  now: readonly TableField[],
): void {
  const changes = before.flatMap((field, index) => {
    const [was, is] = [shapeOf(field), shapeOf(now[index]!)];
    return was === is ? [] : [`${was} is now ${is}`];
  });
  if (changes.length > 0)
    throw new ErrataError('E_BIGQUERY_SCHEMA', `table ${table} was changed: ${changes.join('; ')}`);
}

function shapeOf(field: TableField): string {
  const inner = field.fields?.map(shapeOf).join(', ');
  const type = inner === undefined ? typeOf(field) : `STRUCT<${inner}>`;
  return `${field.name} ${isRepeated(field) ? `ARRAY<${type}>` : type}${isRequired(field) ? ' REQUIRED' : ''}`;
}

function difference(mapped: MappedColumn, field: TableField | undefined): string[] {
  const { column } = mapped;
  const wanted: readonly string[] = columnTypes(mapped) ?? [];
  if (!field) return [`column ${column}${wanted[0] ? ` ${wanted[0]}` : ''} is missing`];
  const type = isRepeated(field) ? `ARRAY<${typeOf(field)}>` : typeOf(field);
  if (!isWritable(field)) return [`column ${column} is ${type}, which errata cannot write`];
  if (wanted.length > 0 && !wanted.includes(type))
    return [`column ${column} is ${type} instead of ${wanted[0]}`];
  return [];
}
