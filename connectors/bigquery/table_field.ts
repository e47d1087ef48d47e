/** A column of a BigQuery table as its REST API describes it. */
export interface TableField {
  name: string;
  /** Either of BigQuery's names for it: INTEGER and INT64 are one type. */
  type: string;
  mode?: string;
  fields?: TableField[];
  defaultValueExpression?: string;
}

const STANDARD: Partial<Record<string, string>> = {
  INTEGER: 'INT64',
  FLOAT: 'FLOAT64',
  BOOLEAN: 'BOOL',
  RECORD: 'STRUCT',
};

/** The name of its type in GoogleSQL. */
export function typeOf({ type }: TableField): string {
  const upper = type.toUpperCase();
  return STANDARD[upper] ?? upper;
}

export function isRepeated({ mode }: TableField): boolean {
  return mode === 'REPEATED';
}

/** Every row must bring it. */
export function isRequired({ mode, defaultValueExpression }: TableField): boolean {
  return mode === 'REQUIRED' && !defaultValueExpression;
}
