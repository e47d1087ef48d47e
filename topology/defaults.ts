/** Fills in what a topology leaves out. Unlike ajv's `useDefaults` also inside a choice. */
import type { JsonSchema } from './strict_schema.ts';

/** A copy of `value` with the defaults of `schema` in the places that are absent. */
export function fillDefaults(schema: JsonSchema, value: unknown): unknown {
  if (value === undefined) {
    if (schema.default === undefined) return undefined;
    return fillDefaults(schema, structuredClone(schema.default));
  }
  if (schema.anyOf) {
    const branch = schema.anyOf.find((one) => hasType(one, value));
    return branch ? fillDefaults(branch, value) : value;
  }
  if (Array.isArray(value)) {
    const items = schema.items as JsonSchema | undefined;
    return items ? value.map((item) => fillDefaults(items, item)) : value;
  }
  return isRecord(value) ? fillProperties(schema, value) : value;
}

function fillProperties(schema: JsonSchema, value: Record<string, unknown>): Record<string, unknown> {
  const filled = { ...value };
  for (const [name, property] of Object.entries(schema.properties ?? {})) {
    const child = fillDefaults(property, value[name]);
    if (child !== undefined) filled[name] = child;
  }
  return filled;
}

function hasType(schema: JsonSchema, value: unknown): boolean {
  if (schema.enum) return schema.enum.includes(value);
  if (schema.type === 'object') return isRecord(value);
  if (schema.type === 'array') return Array.isArray(value);
  return schema.type === typeof value;
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
