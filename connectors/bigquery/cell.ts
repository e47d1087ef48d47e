/**
 * A JSON value as a column takes it: for insertAll as JSON, for the Storage Write API as the field of a protocol buffer that
 * BigQuery documents for the type. What does not fit is refused with the reason, never bent until it does.
 */
import { parseTimestamp } from '../../messages/timestamp.ts';
import { isRepeated, isRequired, type TableField, typeOf } from './table_field.ts';

export type RowFormat = 'json' | 'proto';

/** A value that its column cannot hold. */
export class CellRefused extends Error {
  override readonly name = 'CellRefused';
}

const DAY_MS = 86_400_000;
/** 9999-12-31T23:59:59.999Z, the last that BigQuery knows. */
const LAST_TIME_MS = 253_402_300_799_999;

/** Undefined: the row leaves the column out. Throws CellRefused. */
export function cellOf(field: TableField, value: unknown, format: RowFormat): unknown {
  if (value === undefined || value === null) {
    if (isRequired(field)) throw new CellRefused(`column ${field.name} is REQUIRED and there is no value`);
    return undefined;
  }
  if (!isRepeated(field)) return scalarOf(field, value, format);
  if (!Array.isArray(value)) throw unfit(field, value);
  return value.map((item) => {
    if (item === null) throw unfit(field, item);
    return scalarOf(field, item, format);
  });
}

function scalarOf(field: TableField, value: unknown, format: RowFormat): unknown {
  const convert = TYPES[typeOf(field)];
  const converted = convert?.(value, format, field);
  if (converted === undefined) throw unfit(field, value);
  return converted;
}

/** Undefined: it does not fit. */
type Convert = (value: unknown, format: RowFormat, field: TableField) => unknown;

const asText: Convert = (value) => (typeof value === 'string' ? value : undefined);
const asDecimal: Convert = (value) =>
  isFiniteNumber(value) || (typeof value === 'string' && /^-?\d+(\.\d+)?$/.test(value))
    ? String(value)
    : undefined;

const TYPES: Partial<Record<string, Convert>> = {
  STRING: (value) => (typeof value === 'object' ? JSON.stringify(value) : String(value)),
  INT64: (value) =>
    Number.isSafeInteger(value) || (typeof value === 'string' && /^-?\d{1,18}$/.test(value))
      ? value
      : undefined,
  FLOAT64: (value) => (isFiniteNumber(value) ? value : undefined),
  NUMERIC: asDecimal,
  BIGNUMERIC: asDecimal,
  BOOL: (value) => (typeof value === 'boolean' ? value : undefined),
  TIMESTAMP: (value, format) => {
    const time_ms = timeOf(value);
    if (time_ms === undefined) return undefined;
    return format === 'json' ? new Date(time_ms).toISOString() : microseconds(time_ms);
  },
  DATE: (value, format) => {
    const time_ms = dayOf(value) ?? timeOf(value);
    if (time_ms === undefined) return undefined;
    const day = Math.floor(time_ms / DAY_MS);
    return format === 'json' ? new Date(day * DAY_MS).toISOString().slice(0, 10) : day;
  },
  DATETIME: (value) => {
    const time_ms = timeOf(value);
    return time_ms === undefined ? undefined : new Date(time_ms).toISOString().slice(0, -1).replace('T', ' ');
  },
  TIME: asText,
  GEOGRAPHY: asText,
  JSON: (value) => JSON.stringify(value),
  BYTES: (value, format) => {
    if (typeof value !== 'string' || !/^[A-Za-z0-9+/]*={0,2}$/.test(value)) return undefined;
    return format === 'json' ? value : Buffer.from(value, 'base64');
  },
  STRUCT: (value, format, { fields = [] }) => {
    if (typeof value !== 'object' || Array.isArray(value)) return undefined;
    const record = value as Record<string, unknown>;
    return Object.fromEntries(
      fields.flatMap((field): [string, unknown][] => {
        const cell = cellOf(field, record[field.name], format);
        return cell === undefined ? [] : [[field.name, cell]];
      }),
    );
  },
};

/** Whether errata can write columns of the type at all. */
export function isWritable(field: TableField): boolean {
  return TYPES[typeOf(field)] !== undefined && (field.fields ?? []).every(isWritable);
}

function isFiniteNumber(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value);
}

function timeOf(value: unknown): number | undefined {
  if (typeof value !== 'number' && typeof value !== 'string') return undefined;
  const time_ms = parseTimestamp(value);
  return time_ms !== undefined && time_ms <= LAST_TIME_MS ? time_ms : undefined;
}

function dayOf(value: unknown): number | undefined {
  if (typeof value !== 'string' || !/^\d{4}-\d{2}-\d{2}$/.test(value)) return undefined;
  const time_ms = Date.parse(value);
  return Number.isNaN(time_ms) ? undefined : time_ms;
}

/** As text where a double would round it. */
function microseconds(time_ms: number): number | string {
  const time_us = time_ms * 1000;
  return Number.isSafeInteger(time_us) ? time_us : String(BigInt(time_ms) * 1000n);
}

function unfit(field: TableField, value: unknown): CellRefused {
  const text = JSON.stringify(value) ?? String(value);
  const shown = text.length > 80 ? `${text.slice(0, 80)}…` : text;
  const type = isRepeated(field) ? `ARRAY<${typeOf(field)}>` : typeOf(field);
  return new CellRefused(`column ${field.name} is ${type} and cannot hold ${shown}`);
}
