/** A schema as a Markdown table: one row per field, also of nested objects. */
import type { TSchema } from 'typebox';
import { describeSchema } from './check_schema.ts';
import { type JsonSchema, strictSchema } from './strict_schema.ts';

export function settingsTable(schema: TSchema): string {
  const rows = fieldRows(strictSchema(schema), '');
  if (rows.length === 0) return 'No settings of its own.\n';
  return ['', '| name | takes | default | meaning |', '|---|---|---|---|', ...rows, ''].join('\n');
}

function fieldRows(schema: JsonSchema, prefix: string): string[] {
  const required = (schema.required ?? []) as string[];
  return Object.entries(properties(schema)).flatMap(([name, field]) => {
    const path = prefix + name;
    const row = [
      `\`${path}\``,
      describeSchema(field),
      defaultOf(field, required.includes(name)),
      field.description ?? '',
    ];
    return [`| ${row.map(escapeCell).join(' | ')} |`, ...nestedRows(field, path)];
  });
}

function properties(schema: JsonSchema): Record<string, JsonSchema> {
  const parts = (schema.allOf ?? []) as JsonSchema[];
  return Object.assign({}, schema.properties, ...parts.map(properties));
}

function nestedRows(field: JsonSchema, path: string): string[] {
  const items = field.items as JsonSchema | undefined;
  const branches = [field, ...(field.anyOf ?? [])];
  return [
    ...branches.flatMap((branch) => fieldRows(branch, `${path}.`)),
    ...(items ? [items, ...(items.anyOf ?? [])].flatMap((item) => fieldRows(item, `${path}[].`)) : []),
  ];
}

function defaultOf(field: JsonSchema, required: boolean): string {
  if (field.default === undefined) return required ? 'required' : '';
  const text = typeof field.default === 'string' ? field.default : JSON.stringify(field.default);
  return text === '{}' ? '' : `\`${text}\``;
}

function escapeCell(text: string): string {
  return text.replaceAll('|', '\\|');
}
